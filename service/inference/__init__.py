"""KServe's V1 protocol and the Open Inference Protocol V2, over jobs."""
