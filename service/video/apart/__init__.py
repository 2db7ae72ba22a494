"""Films that are worked on in a process of its own, so that one which FFmpeg does not survive ends nothing else."""
