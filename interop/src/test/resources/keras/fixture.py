"""Writes the files beside it by Keras 3.15.1 with JAX: python fixture.py FOLDER"""
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np
from keras import layers

random = np.random.default_rng(7)
head = keras.Sequential(
    [layers.Dense(5, name="hidden"), layers.BatchNormalization(scale=False, name="norm")], name="head")
model = keras.Sequential([
    keras.Input((6, 7, 3)),
    layers.Conv2D(4, (3, 2), use_bias=False, name="conv1"),
    layers.BatchNormalization(name="bn1"),
    layers.ReLU(),
    layers.Conv2D(6, 2, strides=2, name="conv2"),
    layers.GlobalAveragePooling2D(),
    head,
    layers.Dense(2, name="fc")])
for weight in model.weights:
    if weight.dtype.startswith("float"):
        low, high = (0.5, 1.5) if "variance" in weight.path else (-1, 1)
        weight.assign(random.uniform(low, high, weight.shape).astype("float32"))
folder = sys.argv[1]
model.save(folder + "/model.keras")
model.save_weights(folder + "/model.weights.h5")
model.save(folder + "/model.h5")
x = random.uniform(-1, 1, (2, 6, 7, 3)).astype("float32")
np.save(folder + "/x.npy", x)
np.save(folder + "/y.npy", np.array(model.predict(x, verbose=0)))
