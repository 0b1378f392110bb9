"""The zoo: every model that train.py builds, with the reason beside each unusual number."""

from dataclasses import replace

from cvae.config import DataConfig, ModelConfig, Preset, Stage, TrainConfig

FACE = (3, 64, 64)
HEAD = (3, 96, 96)
# 11,460 faces are few: without shifts the networks learn them by heart
FACES = DataConfig(dataset="lfw", mirror=True, shift=2)
NO_LIMIT = 0.0  # of the gradient norm: a squared error summed over 12,288 pixels has large gradients
PRIOR = Stage(2, 1e-3, "prior", samples=8)  # many samples, which are cheap beside encoding

_ALL = [
    Preset(
        name="vae-dense-2d",
        about="A dense VAE with two latent dimensions, so that its whole latent space is one picture (Kingma and "
        "Welling 2014, appendix A).",
        model=ModelConfig(family="vae", network="dense", latent_dim=2, widths=(512, 256)),
        train=TrainConfig((Stage(40, 2e-3),), batch_size=256),
    ),
    Preset(
        name="vae-conv",
        about="A convolutional VAE in its textbook form: Conv2d, BatchNorm2d and ReLU, and transposed convolutions "
        "back. It knows no labels, so its latents hold the digit as well as the style.",
        model=ModelConfig(family="vae", network="conv", latent_dim=24, widths=(32, 64, 64)),
        train=TrainConfig((Stage(12, 2e-3),)),
    ),
    Preset(
        name="vae-dense",
        about="A dense VAE with 20 latents and one hidden layer each way, the architecture that most tutorials start "
        "from (Kingma and Welling 2014).",
        model=ModelConfig(family="vae", network="dense", latent_dim=20, widths=(400,)),
        # chosen on validation digits: better than 1e-3 with a warm-up
        train=TrainConfig((Stage(20, 3e-3),), kl_warmup=0.0),
    ),
    Preset(
        name="cvae-dense",
        about="The dense VAE told the label, in encoder and decoder, and one layer deeper: what does a condition buy? "
        "The label need not pass through the latents, so they hold the style alone (Sohn, Lee and Yan 2015).",
        model=ModelConfig(family="cvae", network="dense", latent_dim=20, widths=(400, 400), n_classes=10),
        train=TrainConfig((Stage(20, 3e-3),), kl_warmup=0.0),
    ),
    Preset(
        name="cvae-small",
        about="A CVAE as small as they come: three 5x5 convolutions of 4 channels, a perceptron as decoder, squared "
        "error and a weighted KL. Only the decoder is told the label, so the encoder must find the style without it.",
        model=ModelConfig(
            family="cvae",
            network="conv",
            latent_dim=8,
            widths=(4, 4, 4),
            kernel=5,
            decoder="dense",
            decoder_widths=(250, 150, 50),
            label_in="decoder",
            n_classes=10,
            likelihood="gaussian",
        ),
        train=TrainConfig((Stage(20, 2e-3),), beta=5.0),  # 0.1 of the KL beside the summed square
    ),
    Preset(
        name="cvae-onehot",
        about="The convolutional VAE with the label beside z: the one-hot label enters the decoder only, the simplest "
        "way to condition (Kingma et al. 2014, M2 without its classifier).",
        model=ModelConfig(
            family="cvae", network="conv", latent_dim=16, widths=(32, 64, 64), label_in="decoder", n_classes=10
        ),
        train=TrainConfig((Stage(12, 2e-3),)),
    ),
    Preset(
        name="cvae-inpaint-center",
        about="A fully connected CVAE told the picture without its middle 10x10 pixels (Sohn, Lee and Yan 2015): the "
        "classical baseline, for this one hole alone. Its prior does not look at what is visible.",
        model=ModelConfig(family="inpainting", network="dense", latent_dim=20, widths=(512,)),
        data=DataConfig(hole="centre"),
        train=TrainConfig((Stage(20, 1e-3),)),
    ),
    Preset(
        name="ae-dense",
        about="A plain autoencoder with BatchNorm: a code and no distribution. It reconstructs well, and what one "
        "samples from it shows why a VAE has a prior (Hinton and Salakhutdinov 2006).",
        model=ModelConfig(family="autoencoder", network="dense", latent_dim=20, widths=(512, 256), norm="batch"),
        train=TrainConfig((Stage(20, 1e-3),), settle=40),
    ),
    Preset(
        name="cvae-conv",
        about="The flagship: a conditional VAE (Sohn, Lee and Yan 2015) of residual convolutions. You choose the label,"
        " its 32 latents hold the style. Its prior is learned: a normalizing flow conditional on the label. It learned"
        " from digits that were moved and bent a little, ever less, first by the plain bound and then by that of eight"
        " importance-weighted samples. Sliders move in the flow's base space, whose coordinates are standard normal.",
        model=ModelConfig(
            family="cvae",
            network="residual",
            latent_dim=32,
            widths=(32, 96),  # wider than the decoder's: a drawing is encoded once, but decoded at every move
            blocks=(1, 3),
            decoder="residual",
            decoder_widths=(16, 64),  # most of the work at 7x7, where a convolution costs least per channel
            n_classes=10,
            flow_layers=6,  # the learned prior: without it some samples lie where no digit was ever encoded
            flow_width=192,
        ),
        data=DataConfig(binarize=True, movement=1.0, elastic=0.5),
        train=TrainConfig(
            # the longer stage is the second: it is where the likelihood is won
            (Stage(40, 1.7e-3), Stage(62, 1.2e-3, "weighted", samples=8)),
            weight_decay=0.05,
            ema_decay=0.9995,
        ),
    ),
    Preset(
        name="dae-conv",
        about="A denoising autoencoder (Vincent et al. 2008) of residual convolutions whose decoder also sees the "
        "encoder's feature maps. It learned from digits spoiled by noise, salt and pepper, blur and strokes, never the"
        " same twice.",
        model=ModelConfig(
            family="denoising",
            network="residual",
            latent_dim=0,
            widths=(16, 32, 64),
            blocks=(1, 1, 1),
            fold=1,  # salt and pepper are single pixels: at half the size they are lost among their neighbours
        ),
        train=TrainConfig((Stage(10, 2e-3),), batch_size=64),
    ),
    Preset(
        name="cvae-inpaint",
        about="A conditional VAE given the visible pixels (Sohn, Lee and Yan 2015). Its prior sees what is visible and "
        "where the hole is; each sample of it is another way to complete the picture.",
        model=ModelConfig(
            family="inpainting",
            network="residual",
            latent_dim=32,
            widths=(24, 64),
            blocks=(1, 2),
            flow_layers=6,
            flow_width=96,
            posterior_flow_layers=8,  # a half-hidden digit leaves two or three readings: no Gaussian holds them
        ),
        data=DataConfig(movement=0.5, elastic=0.25),
        train=TrainConfig(
            # a posterior that may bend only once the rest has settled learns from a good start
            (Stage(12, 1.7e-3, frozen="posterior_flow"), PRIOR, Stage(90, 1.7e-3), replace(PRIOR, epochs=8)),
            weight_decay=0.02,
            ema_decay=0.9995,
        ),
    ),
    Preset(
        name="judge",
        about="A convolutional classifier, trained on augmented digits and apart from every generative model, that "
        "judges their samples.",
        model=ModelConfig(family="classifier", network="conv", widths=(32, 64, 96), n_classes=10),
        data=DataConfig(augment=True),
        train=TrainConfig((Stage(8, 2e-3),), weight_decay=1e-2),
    ),
    Preset(
        name="ink",
        about="A U-net of few channels that tells which pixels of a photograph are ink of a digit (Ronneberger, "
        "Fischer and Brox 2015): every uploaded picture passes through it. It is trained on made photographs alone.",
        model=ModelConfig(family="ink", network="conv", widths=(16, 24, 32, 48, 64)),
        data=DataConfig(n_validation=200, n_training=12_000),  # each digit in as many photographs as there are epochs
        train=TrainConfig((Stage(5, 3e-3),), batch_size=16, weight_decay=1e-3, ema_decay=0.995),
    ),
    Preset(
        name="ae-faces",
        about="An autoencoder of whole heads, the sharpest one here. While its decoder learned, a critic learned to "
        "tell reconstructions from photographs, patch by patch, and the decoder to pass (Larsen et al. 2016). It set "
        "out from the linear path beside it, fixed at 192 principal components.",
        model=ModelConfig(
            family="autoencoder",
            likelihood="gaussian",
            network="conv",
            image_shape=HEAD,
            latent_dim=192,
            widths=(16, 32, 64, 128),
            decoder="residual",
            decoder_widths=(16, 32, 80, 160),
            blocks=(1, 1, 1, 1),
            linear=True,
        ),
        data=replace(FACES, crop=160, shift=3, turn=5.0, zoom=0.05),
        # at 1.5e-4, and with a stronger pull of its critic, the second stage draws the same lines over every face
        train=TrainConfig(
            (Stage(150, 1e-3, "detailed"), Stage(7, 1e-4, "adversarial")),
            batch_size=32,
            weight_decay=0.1,
            settle=20,
            clip=NO_LIMIT,
        ),
    ),
    Preset(
        name="cvae-faces",
        about="A conditional VAE of whole heads, told whether they smile (Sohn, Lee and Yan 2015). What a code shares "
        "with the label is taken out of it in training, so that the decoder goes by what it is told: one face under "
        "both labels is one person, serious and smiling.",
        model=ModelConfig(
            family="cvae",
            likelihood="gaussian",
            network="conv",
            image_shape=HEAD,
            latent_dim=96,
            widths=(16, 32, 48, 48),
            decoder="residual",
            decoder_widths=(12, 24, 48, 72),
            blocks=(1, 1, 1, 1),
            linear=True,
            n_classes=2,
        ),
        data=replace(FACES, dataset="lfw:Smiling", crop=160, shift=3, turn=5.0, zoom=0.05),
        train=TrainConfig(
            (Stage(60, 1.5e-3, "told"), Stage(5, 1e-4, "adversarial", frozen="encoder")),
            batch_size=64,
            weight_decay=0.1,
            settle=20,
            clip=NO_LIMIT,
        ),
    ),
    Preset(
        name="ae-dense-faces",
        about="A dense autoencoder of faces: Linear, BatchNorm1d and ReLU. It has to learn anew for every place of the "
        "picture what an edge is, and shows it.",
        model=ModelConfig(
            family="autoencoder", likelihood="gaussian", image_shape=FACE, latent_dim=64, widths=(64,), norm="batch"
        ),
        data=replace(FACES, shift=0),  # so few units cannot follow the shifts as well
        train=TrainConfig((Stage(40, 2e-3),), batch_size=64, settle=40, clip=NO_LIMIT),
    ),
    Preset(
        name="ae-conv-faces",
        about="A convolutional autoencoder of faces: the smallest errors here. Encoder and decoder have a "
        "linear path beside them, fixed at the principal components, so that the convolutions learn only what bends.",
        model=ModelConfig(
            family="autoencoder",
            likelihood="gaussian",
            network="conv",
            image_shape=FACE,
            latent_dim=64,
            widths=(32, 64, 128, 256),
            linear=True,
        ),
        # without, the decoder fits refined codes of the training faces, and of no others
        data=replace(FACES, turn=5.0, zoom=0.05),
        train=TrainConfig(
            (Stage(24, 1.5e-3), Stage(32, 1e-3, "refined")), batch_size=64, weight_decay=0.1, settle=40, clip=NO_LIMIT
        ),
    ),
    Preset(
        name="vae-conv-faces",
        about="The same network with a Gaussian latent and its KL: what lies between two faces is a face, and so is "
        "what is drawn at random. It pays with some sharpness.",
        model=ModelConfig(
            likelihood="gaussian",
            network="conv",
            image_shape=FACE,
            latent_dim=64,
            widths=(32, 64, 128, 256),
            linear=True,
        ),
        data=replace(FACES, shift=1),  # the noise of its latents does a part of what the shifts do
        train=TrainConfig((Stage(18, 1.5e-3),), batch_size=64, weight_decay=0.02, settle=40, clip=NO_LIMIT),
    ),
    Preset(
        name="smile-judge",
        about="A convolutional classifier of 32x32 faces, trained on the labels and apart from every autoencoder, that "
        "judges whether an edited face smiles.",
        model=ModelConfig(
            family="classifier", network="conv", image_shape=(3, 32, 32), widths=(32, 64, 96), n_classes=2
        ),
        data=DataConfig(dataset="lfw:Smiling", mirror=True, blur=1.0, augment=True),  # what it judges is never sharp
        train=TrainConfig((Stage(20, 2e-3),), batch_size=64, weight_decay=1e-2, settle=40),
    ),
]
PRESETS = {preset.name: preset for preset in _ALL}
