// Written by web/constants.py from Python's own; not to be edited.

export const SCHEMA = 1;
export const EMOTIONS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"];
export const WORKING_SIDE_PX = 2048;
export const DETECTOR = {"OVERLAP": 0.3, "REACH": 12};
export const CROP = {"FRAME": [[15.4, 18.9], [32.6, 18.9], [24.0, 29.7], [24.0, 37.1], [6.9, 21.9], [41.1, 21.9]], "SIDE_PX": 48, "TURN_FROM_DEG": 15.0};
export const TRACKER = {"SPEED": 1.0, "KEEP_S": 0.7, "NOISE": 0.1, "TAIL": 4.0, "AWAY": 3.0, "LIMIT": 27.0, "MEMORY_S": 3.0, "TIE": 1e-09};
export const FOLLOW = {"LONGEST_S": 0.2, "PACE": 0.08};
export const SMOOTHING = {"FLOOR": 0.0001, "GAP_S": 2.0, "SLOW_S": 2.0, "FAST_S": 0.15, "EVIDENCE": 0.2, "LEAD": 0.3, "MOST": 2.0, "KERNEL_S": 0.2};
export const COLUMNS = {"source": "str", "frame": "int", "time_s": "float", "face": "int", "track": "int", "x": "int", "y": "int", "width": "int", "height": "int", "score": "float", "emotion": "str", "confidence": "float", "ambiguous": "bool", "neutral": "float", "happiness": "float", "surprise": "float", "sadness": "float", "anger": "float", "disgust": "float", "fear": "float", "contempt": "float", "smoothed_neutral": "float", "smoothed_happiness": "float", "smoothed_surprise": "float", "smoothed_sadness": "float", "smoothed_anger": "float", "smoothed_disgust": "float", "smoothed_fear": "float", "smoothed_contempt": "float", "error": "str"};
export const PICTURE_COLUMNS = ["source", "frame", "time_s", "face", "track", "x", "y", "width", "height", "score", "emotion", "confidence", "ambiguous", "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "error"];
