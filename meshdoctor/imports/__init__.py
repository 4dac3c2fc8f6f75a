"""Other tools' archives, each made into a recording: istioctl's, kubectl's, troubleshoot's.

One module a kind. What an archive lacks is listed as not read, so that conclusions become unknown.
"""
