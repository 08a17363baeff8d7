"""Exact incremental occlusion: for every position of the patch only what it changes in each feature map is computed.

After Nakandala, Kumar & Papakonstantinou 2019, Incremental and Approximate Inference for Faster Occlusion-based Deep
CNN Explanations; here over the operators of any exported graph, with an own window size for every batch of positions.
"""
