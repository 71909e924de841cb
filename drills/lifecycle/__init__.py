"""The life of a model under load: promote, roll back, refuse what is not to be trusted, go on without the registry."""
