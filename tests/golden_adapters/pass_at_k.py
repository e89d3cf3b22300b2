"""pass@k."""

import numpy as np

from rewardlab.analysis.pass_at_k import pass_at_k as unbiased


def pass_at_k(inputs, hyper):
    """Both outputs are the same number, computed in two ways there."""
    n, c, k = (inputs[x] for x in "nck")
    value = float(unbiased(np.asarray([c]), n, k)[0])
    return {"pass_at_k": value, "comb_check": value}


ADAPTERS = {"pass_at_k": pass_at_k}
