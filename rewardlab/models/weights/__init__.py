"""Folders of weights as Hugging Face has them: read without torch, and written."""

from rewardlab.models.weights.config import read_config as read_config
from rewardlab.models.weights.reading import read_weights as read_weights
from rewardlab.models.weights.writing import write_folder as write_folder
