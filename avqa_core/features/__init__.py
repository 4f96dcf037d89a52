"""Features that come from elsewhere: folders of per-clip files into the packed store."""
