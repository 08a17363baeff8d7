"""Five stories for newcomers, told by tests against the real service. Read them in this order.

1. test_a_jobs_life: an image, a prediction, a heatmap, and any neuron of the network.
2. test_watching_events: progress and previews of a long job as they happen.
3. test_crash_and_resume: a worker dies, and its job continues where it was.
4. test_your_own_model: from an nn.Module of yours to a heatmap.
5. test_a_new_technique: two files of one name, and a test.
"""
