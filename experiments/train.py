"""Trains as a config file says: `rewardlab train`, from a clone.

    python -m experiments.train --config=experiments/configs/quickstart.py \
        --workdir=runs/quickstart [--config.reward="..."] [--resume=auto|never|PATH]
"""

from rewardlab.launch.train import main

if __name__ == "__main__":
    main()
