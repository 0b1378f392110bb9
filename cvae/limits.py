"""How large what lies in a folder of checkpoints may be: one limit each, far above what this project writes.

Such a folder may be a stranger's. What exceeds a limit is refused before it costs memory or time.
"""

# text files: config.json, metrics.json, history.csv, program.json
TEXT = 4 * 2**20  # bytes of one
DEPTH = 40  # levels of JSON inside one another
DIGITS = 20  # of a whole number in JSON: those of 64 bits have 19
WORDS = 4_000  # characters of one text in config.json
ROWS = 100_000  # of history.csv, one for each epoch
LISTED = 10_000  # entries of a list in config.json: the names of as many classes

# what config.json may describe
SIDE = 512  # pixels of a picture's side
CHANNELS = (1, 3)  # grey or colour
LATENTS = 4_096
CLASSES = 10_000
WIDTH = 65_536  # units or channels of a layer
LAYERS = 256  # of all networks of a model together, those of its flows among them
KERNEL = 31
FEATURES = 2**24  # numbers of a feature map of one picture
STAGES = 64  # of a training

# safetensors: weights, sliders, the state of a training
HEADER = 2**20  # bytes of what a file says of its tensors
NUMBERS = 2**27  # in all tensors of a file together

# NumPy archives: map.npz, progress.npz, faces.npz
DIRECTORY = 2**16  # bytes of what an archive says of its arrays
UNPACKED = 2**26  # bytes of all arrays of an archive that are read together
VALUE = 1e9  # the largest magnitude of a coordinate or of nats
POINTS = 200_000  # test pictures of a map, or faces
EPOCHS = 64  # whose pictures are kept
PIXELS = 2**27  # values of all pictures of a training together
