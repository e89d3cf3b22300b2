"""The command line's runs: `rewardlab train` and `rewardlab grid`."""
