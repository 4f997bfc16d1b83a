"""The emotion classes, their order, and the map between the data sets that name them."""

EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
"""FER+'s eight emotions, in the order used by every array, file and door of mien."""

FER2013_EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""FER2013's seven, by the number that stands in its `emotion` column (0 to 6)."""

FER2013_TO_EMOTIONS = tuple(EMOTIONS.index(name) for name in FER2013_EMOTIONS)
"""Index in EMOTIONS of each FER2013 label. The seven are EMOTIONS without its last, contempt."""
