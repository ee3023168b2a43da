"""What stands between the network and the lab: which addresses, pages, requests and amounts are let
in. `Guard` is the only door; `served` lists what lies behind it.
"""
