"""Arms times seeds, and the table they make: `rewardlab grid`, from a clone.

    python -m experiments.grid --config=experiments/configs/quickstart.py \
        --arm=grpo --arm=pure --seeds=0,1,2 --workdir=runs/hacking
"""

from rewardlab.launch.grid import main

if __name__ == "__main__":
    main()
