"""The metauni SLT seminar made executable: catalogue, experiments, site."""
