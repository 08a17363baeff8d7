"""The zoo: every technique on many architectures of torchvision and timm, with random weights."""
