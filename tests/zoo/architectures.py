"""The architectures of the zoo, at sizes and depths at which a laptop runs them all.

The weights are random: what is asked is whether layers, gradients and techniques are right on the
architecture, and no picture is judged.
"""

from dataclasses import dataclass, field
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from tests.zoo.small import SMALL, with_small_head
from workers.toolkit.network.precision import probe_inputs

CLASSES = 10


@dataclass(frozen=True)
class Architecture:
    """A model of a library, the side of its input, and the arguments of its builder."""

    library: str
    builder: str
    side: int
    arguments: dict[str, Any] = field(default_factory=dict)


def build(name: str) -> nn.Module:
    """Return the architecture of that name; its weights depend on torch's random state."""
    architecture = ARCHITECTURES[name]
    if architecture.library == "small":
        return SMALL[architecture.builder](CLASSES)
    options = {"num_classes": CLASSES, **architecture.arguments}
    if architecture.library == "timm":
        return timm.create_model(architecture.builder, pretrained=False, **options)
    if architecture.builder in ("googlenet", "inception_v3"):
        options |= {"init_weights": False, "aux_logits": False}
    return with_small_head(
        torchvision.models.get_model(architecture.builder, weights=None, **options)
    )


def seeded(name: str) -> nn.Module:
    """Return the architecture with weights that depend on its name alone.

    Parameters that begin as one number (gains, layer scales, biases) get noise, so that no branch
    is switched off; batch norms get the statistics of pictures.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = build(name)
        for parameter in module.parameters():
            flat = parameter.data.flatten()
            if len(flat) and bool((flat == flat[0]).all()):
                parameter.data += 0.2 * torch.randn_like(parameter)
        _measure_statistics(module, ARCHITECTURES[name].side)
    return module.eval()


@torch.no_grad()
def _measure_statistics(module: nn.Module, side: int) -> None:
    """Give batch norms the statistics of pictures and of noise, and few ReLUs that are off."""
    norms = [part for part in module.eval().modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
        if norm.affine:
            norm.bias += 0.5
    if norms:
        noise = torch.randn(2, 3, side, side)
        flat = 0.2 * torch.randn(2, 3, side, side) + torch.randn(2, 3, 1, 1)
        module(torch.cat([noise, flat, probe_inputs((3, side, side))]))
    module.eval()


def _torchvision(builder: str, side: int, **arguments: Any) -> Architecture:
    return Architecture("torchvision", builder, side, arguments)


def _small(builder: str, side: int) -> Architecture:
    return Architecture("small", builder, side)


def _timm(builder: str, side: int, **arguments: Any) -> Architecture:
    return Architecture("timm", builder, side, arguments)


def _fixed(builder: str, side: int, **arguments: Any) -> Architecture:
    """Return a transformer that is built for one size."""
    return Architecture("timm", builder, side, {"img_size": side, **arguments})


ARCHITECTURES: dict[str, Architecture] = {
    # torchvision; `_s` has fewer blocks, and VGG and AlexNet end in a small head
    "alexnet": _torchvision("alexnet", 96),
    "convnext_s": _small("convnext_s", 64),
    "densenet_s": _small("densenet_s", 64),
    "efficientnet_v2s": _small("efficientnet_v2s", 64),
    "maxvit_s": _small("maxvit_s", 64),
    "resnext_s": _small("resnext_s", 64),
    "swin_s": _small("swin_s", 64),
    "swinv2_s": _small("swinv2_s", 64),
    "vgg11": _torchvision("vgg11", 64),
    "vgg11_bn": _torchvision("vgg11_bn", 64),
    "vit_s": _small("vit_s", 64),
    "wide_s": _small("wide_s", 64),
    "efficientnet_b0": _torchvision("efficientnet_b0", 64),
    "googlenet": _torchvision("googlenet", 64),
    "inception_v3": _torchvision("inception_v3", 96),
    "mnasnet0_5": _torchvision("mnasnet0_5", 64),
    "mobilenet_v2": _torchvision("mobilenet_v2", 64),
    "mobilenet_v3_small": _torchvision("mobilenet_v3_small", 64),
    "regnet_y_400mf": _torchvision("regnet_y_400mf", 64),
    "resnet18": _torchvision("resnet18", 64),
    "shufflenet_v2_x1_0": _torchvision("shufflenet_v2_x1_0", 64),
    "squeezenet1_1": _torchvision("squeezenet1_1", 64),
    # timm: convolutions
    "convnextv2_atto": _timm("convnextv2_atto", 64),
    "cspdarknet53": _timm("cspdarknet53", 64),
    "dla34": _timm("dla34", 64),
    "dm_nfnet_f0": _timm("dm_nfnet_f0", 64),
    "eca_nfnet_l0": _timm("eca_nfnet_l0", 64),
    "ecaresnet26t": _timm("ecaresnet26t", 64),
    "efficientvit_b0": _timm("efficientvit_b0", 64),
    "ese_vovnet19b_dw": _timm("ese_vovnet19b_dw", 64),
    "fastvit_t8": _timm("fastvit_t8", 64),
    "gcresnext26ts": _timm("gcresnext26ts", 64),
    "gernet_s": _timm("gernet_s", 64),
    "ghostnet_100": _timm("ghostnet_100", 64),
    "hgnetv2_b0": _timm("hgnetv2_b0", 64),
    "hrnet_w18_small": _timm("hrnet_w18_small", 64),
    "inception_next_atto": _timm("inception_next_atto", 64),
    "lcnet_050": _timm("lcnet_050", 64),
    "mambaout_femto": _timm("mambaout_femto", 64),
    "mobilenetv4_conv_small": _timm("mobilenetv4_conv_small", 64),
    "mobileone_s0": _timm("mobileone_s0", 64),
    "nf_resnet50": _timm("nf_resnet50", 64),
    "poolformer_s12": _timm("poolformer_s12", 64),
    "rdnet_tiny": _timm("rdnet_tiny", 64),
    "regnety_002": _timm("regnety_002", 64),
    "repghostnet_050": _timm("repghostnet_050", 64),
    "repvgg_a0": _timm("repvgg_a0", 64),
    "res2net50_26w_4s": _timm("res2net50_26w_4s", 64, layers=(1, 1, 1, 1)),
    "resnest14d": _timm("resnest14d", 64),
    "rexnet_100": _timm("rexnet_100", 64),
    "selecsls42": _timm("selecsls42", 64),
    "seresnet50": _timm("seresnet50", 64, layers=(1, 1, 1, 1)),
    "skresnet18": _timm("skresnet18", 64),
    "starnet_s1": _timm("starnet_s1", 64),
    "tf_efficientnet_lite0": _timm("tf_efficientnet_lite0", 64),
    "tinynet_e": _timm("tinynet_e", 64),
    "tresnet_m": _timm("tresnet_m", 64),
    "xception41": _timm("xception41", 64),
    # timm: transformers, mixers and hybrids
    "beit_base_patch16_224": _fixed("beit_base_patch16_224", 64, depth=3),
    "botnet26t_256": _fixed("botnet26t_256", 128),
    "cait_xxs24_224": _fixed("cait_xxs24_224", 64, depth=4),
    "coatnet_0_rw_224": _fixed("coatnet_0_rw_224", 64),
    "convit_tiny": _fixed("convit_tiny", 64, depth=4),
    "crossvit_tiny_240": _timm("crossvit_tiny_240", 240),
    "davit_tiny": _timm("davit_tiny", 64),
    "deit_tiny_distilled_patch16_224": _fixed("deit_tiny_distilled_patch16_224", 64, depth=4),
    "edgenext_small": _timm("edgenext_small", 64),
    "efficientformer_l1": _timm("efficientformer_l1", 224),
    "eva02_tiny_patch14_224": _fixed("eva02_tiny_patch14_224", 56, depth=4),
    "focalnet_tiny_srf": _timm("focalnet_tiny_srf", 64),
    "hiera_tiny_224": _fixed("hiera_tiny_224", 224),
    "levit_128": _timm("levit_128", 224),
    "mixer_b16_224": _fixed("mixer_b16_224", 64),
    "mobilevit_xxs": _timm("mobilevit_xxs", 64),
    "nest_tiny": _fixed("nest_tiny", 64),
    "pit_ti_224": _fixed("pit_ti_224", 64),
    "pvt_v2_b0": _timm("pvt_v2_b0", 64),
    "resmlp_12_224": _fixed("resmlp_12_224", 64),
    "sequencer2d_s": _fixed("sequencer2d_s", 64),
    "swin_tiny_patch4_window7_224": _fixed("swin_tiny_patch4_window7_224", 56),
    "tiny_vit_5m_224": _timm("tiny_vit_5m_224", 64),
    "twins_svt_small": _fixed("twins_svt_small", 64),
    "visformer_tiny": _fixed("visformer_tiny", 64),
    "vit_base_patch32_clip_224": _fixed("vit_base_patch32_clip_224", 128, depth=3),
    "vit_small_patch14_dinov2": _fixed("vit_small_patch14_dinov2", 56, depth=4),
    "vit_tiny_patch16_224": _fixed("vit_tiny_patch16_224", 64, depth=4),
    "volo_d1_224": _fixed("volo_d1_224", 64),
    "xcit_nano_12_p16_224": _timm("xcit_nano_12_p16_224", 64),
    # Of several outputs or inputs
    "lraspp_score": _small("lraspp_score", 64),
    "two_scale": _small("two_scale", 64),
}
