"""The pieces of the Study page: the overview of all experiments, and one experiment."""
