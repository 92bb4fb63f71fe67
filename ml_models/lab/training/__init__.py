"""Training runs: objectives, schedules, stages, checkpoints and logs.

This room may import photos, drawing and networks.
"""
