"""Algorithms of the Processing toolbox, made from `manifest.json`; each runs one command."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from processing.core.ProcessingConfig import ProcessingConfig, Setting
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
    QgsProcessingProvider,
    QgsRasterLayer,
    QgsVectorFileWriter,
)

from .commands import arguments, run, step_of

ABOUT = json.loads(Path(__file__).with_name("manifest.json").read_text(encoding="utf-8"))
SETTING = "GEOSETTLE_PYTHON"
_TYPES = {
    "point": QgsProcessing.TypeVectorPoint,
    "line": QgsProcessing.TypeVectorLine,
    "polygon": QgsProcessing.TypeVectorPolygon,
    "none": QgsProcessing.TypeVector,
    "raster": QgsProcessing.TypeRaster,
}


class Plugin:
    """Adds the provider to QGIS."""

    def __init__(self) -> None:
        self.provider: Any = None

    def initProcessing(self) -> None:  # noqa: N802
        """Add the provider."""
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    initGui = initProcessing  # noqa: N815

    def unload(self) -> None:
        """Take the provider out."""
        QgsApplication.processingRegistry().removeProvider(self.provider)


class Provider(QgsProcessingProvider):
    """The algorithms, and the setting which Python runs them."""

    def id(self) -> str:
        """Return what begins the ids of the algorithms."""
        return "geosettle"

    def name(self) -> str:
        """Return the name in the toolbox."""
        return "geosettle"

    def versionInfo(self) -> str:  # noqa: N802
        """Return the version of geosettle that installed the plugin."""
        return str(ABOUT["geosettle"])

    def load(self) -> bool:
        """Add the setting and the algorithms."""
        label = "Python of the environment where geosettle is installed"
        setting = Setting("geosettle", SETTING, label, ABOUT["python"], valuetype=Setting.FILE)
        ProcessingConfig.addSetting(setting)
        ProcessingConfig.readSettings()
        self.refreshAlgorithms()
        return True

    def unload(self) -> None:
        """Take the setting out."""
        ProcessingConfig.removeSetting(SETTING)

    def loadAlgorithms(self) -> None:  # noqa: N802
        """Add every algorithm of the manifest."""
        for about in ABOUT["algorithms"]:
            self.addAlgorithm(Algorithm(about))

    def supportsNonFileBasedOutput(self) -> bool:  # noqa: N802
        """Write files only."""
        return False

    def supportedOutputVectorLayerExtensions(self) -> list[str]:  # noqa: N802
        """Return the endings that geosettle writes."""
        return ["gpkg", "geojson", "csv", "xlsx", "parquet"]

    def defaultVectorFileExtension(self, _: bool = True) -> str:  # noqa: N802
        """Return the ending of a layer that is given no name."""
        return "gpkg"


class Algorithm(QgsProcessingAlgorithm):
    """One command of geosettle.

    Parameters
    ----------
    about
        Its entry of the manifest.
    """

    def __init__(self, about: dict[str, Any]) -> None:
        super().__init__()
        self.about = about

    styled: ClassVar[list[Any]] = []

    def createInstance(self) -> Any:  # noqa: N802
        """Return another of the same."""
        return Algorithm(self.about)

    def name(self) -> str:
        """Return its id within the provider."""
        return str(self.about["name"])

    def displayName(self) -> str:  # noqa: N802
        """Return its name in the toolbox."""
        return str(self.about["label"])

    def shortHelpString(self) -> str:  # noqa: N802
        """Say what it does, and what each parameter is."""
        about = [(p["label"], p["help"]) for p in self.about["parameters"] if p["help"]]
        return "\n\n".join([self.about["help"], *(f"{a}: {b}" for a, b in about)])

    def initAlgorithm(self, _: Any = None) -> None:  # noqa: N802
        """Add the parameters of the manifest, and what else is loaded of a folder."""
        for about in sorted(self.about["parameters"], key=_is_written):
            maker, more, _ = _KINDS[about["kind"]]
            made = maker(
                about["name"], about["label"], optional=not about["required"], **more(about)
            )
            if about.get("default") is not None:
                made.setDefaultValue(about["default"])
            if about.get("advanced"):
                made.setFlags(made.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
            made.setHelp(about["help"])
            self.addParameter(made)
            if _is_written(about) and not about["required"]:
                made.setCreateByDefault(False)
        for name, (kind, _) in self.about["loads"].items():
            output = {
                "raster": QgsProcessingOutputRasterLayer,
                "vector": QgsProcessingOutputVectorLayer,
            }[kind]
            self.addOutput(output(name, name.capitalize()))

    def processAlgorithm(self, parameters: Any, context: Any, feedback: Any) -> Any:  # noqa: N802
        """Write the inputs, run the command, return what it wrote."""
        with TemporaryDirectory(prefix="geosettle-") as folder:
            call = _Call(self, parameters, context, feedback, Path(folder))
            values = {p["name"]: call.value(p) for p in self.about["parameters"]}
            call.run(arguments(self.about, values))
        written = {
            p["name"]: values[p["name"]]
            for p in self.about["parameters"]
            if _is_written(p) and values[p["name"]]
        }
        for name, (_, inside) in self.about["loads"].items():
            written[name] = f"{values['OUTPUT']}/{inside}"
            if context.project():
                details = QgsProcessingContext.LayerDetails(
                    name.capitalize(), context.project(), name
                )
                context.addLayerToLoadOnCompletion(written[name], details)
        for name, style in self.about["styles"].items():
            if context.willLoadLayerOnCompletion(written[name]):
                details = context.layerToLoadOnCompletionDetails(written[name])
                self.styled.append(_Styled(style))  # QGIS keeps no hold of it
                details.setPostProcessor(self.styled[-1])
        return written


class _Styled(QgsProcessingLayerPostProcessorInterface):
    """Gives a layer that is loaded its style."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.style = style

    def postProcessLayer(self, layer: Any, _: Any, __: Any) -> None:  # noqa: N802
        """Load the style; QGIS calls it."""
        layer.loadNamedStyle(str(Path(__file__).with_name(f"{self.style}.qml")))
        layer.triggerRepaint()


class _Call:
    """One run of an algorithm: its parameters as geosettle takes them, and the program itself."""

    def __init__(
        self, algorithm: Algorithm, parameters: Any, context: Any, feedback: Any, folder: Path
    ) -> None:
        self.algorithm, self.parameters, self.context = algorithm, parameters, context
        self.feedback, self.folder = feedback, folder

    def value(self, about: dict[str, Any]) -> Any:
        """Return a parameter's value: text, texts, whether it is set, or None."""
        empty = self.parameters.get(about["name"]) in (None, "")
        if empty and not _is_written(about) and about.get("default") is None:
            return None
        return _KINDS[about["kind"]][2](self, about)

    def read(self, kind: str, about: dict[str, Any]) -> Any:
        """Return what QGIS makes of a value, by the name of its method."""
        method = getattr(self.algorithm, f"parameterAs{kind}")
        return method(self.parameters, about["name"], self.context)

    def lines(self, about: dict[str, Any]) -> Any:
        """Return a text, or the texts that it consists of."""
        text = self.read("String", about)
        if about.get("again"):
            return [line.strip() for line in text.splitlines() if line.strip()]
        return text.split() if about.get("many") else text

    def layer(self, about: dict[str, Any]) -> str:
        """Return the file of a raster, or of the features of a vector layer."""
        if isinstance(layer := self.read("Layer", about), QgsRasterLayer):
            return self.file_of(layer)
        return self.saved(self.read("Source", about), about)

    def layers(self, about: dict[str, Any]) -> list[str]:
        """Return the files of several layers."""
        return [
            self.file_of(one) if isinstance(one, QgsRasterLayer) else self.saved(one, about)
            for one in self.read("LayerList", about)
        ]

    def file_of(self, layer: Any) -> str:
        """Return the file of a raster layer."""
        path = layer.source().split("|")[0]
        if layer.providerType() != "gdal" or not Path(path).is_file():
            raise QgsProcessingException(
                f"{layer.name()} is no raster file on this computer. Export it as a GeoTIFF first."
            )
        return str(path)

    def saved(self, source: Any, about: dict[str, Any]) -> str:
        """Write the features of a layer (those selected, if asked for) to a GeoPackage."""
        if source is None:
            raise QgsProcessingException(f"{about['label']}: the layer cannot be loaded.")
        name = re.sub(r"[^\w -]+", "_", source.sourceName()).strip(" _") or about["name"].lower()
        folder = self.folder / about["name"].lower()
        folder.mkdir(exist_ok=True)
        path, taken = folder / f"{name}.gpkg", 1
        while path.exists():
            path, taken = folder / f"{name} {taken + 1}.gpkg", taken + 1
        copied = self.copied(about)
        fields, numbers = QgsFields(), []
        for number, field in enumerate(source.fields()):
            if field.name() not in copied:
                fields.append(field)
                numbers.append(number)
        for new, old in copied.items():
            field = QgsField(source.fields().field(old))
            field.setName(new)
            fields.append(field)
            numbers.append(source.fields().lookupField(old))
        options = QgsVectorFileWriter.SaveVectorOptions()
        options.driverName, options.layerName = "GPKG", name
        options.layerOptions = ["FID=geosettle_row"]
        writer = QgsVectorFileWriter.create(
            str(path),
            fields,
            source.wkbType(),
            source.sourceCrs(),
            self.context.transformContext(),
            options,
        )
        for feature in source.getFeatures():
            if self.feedback.isCanceled():
                break
            row = QgsFeature(fields)
            row.setGeometry(feature.geometry())
            row.setAttributes([feature.attributes()[number] for number in numbers])
            writer.addFeature(row)
        if writer.hasError():
            raise QgsProcessingException(f"{name}: {writer.errorMessage()}")
        del writer  # which closes the file
        return str(path)

    def copied(self, about: dict[str, Any]) -> dict[str, str]:
        """Return new field to the field that it repeats, where a parameter names one."""
        fields = {
            p["copy"]: self.value(p)
            for p in self.algorithm.about["parameters"]
            if p.get("copy") and p.get("parent") == about["name"]
        }
        return {new: old for new, old in fields.items() if old and old != new}

    def run(self, words: list[str]) -> None:
        """Run geosettle: its steps are the progress, its message is the error."""
        python = ProcessingConfig.getSetting(SETTING) or ABOUT["python"]
        self.feedback.pushCommandInfo(shlex.join(["geosettle", *words]))
        message, code = "", None
        try:
            for line in run(
                [python, "-m", "geosettle", *words], self.folder, self.feedback.isCanceled
            ):
                if isinstance(line, int):
                    code = line
                elif step := step_of(line):
                    self.feedback.setProgressText(step)
                else:
                    message = re.sub(rf"{re.escape(str(self.folder))}[/\\]\w+[/\\]", "", line)
                    warned = message.startswith("geosettle: ")
                    message = message.replace("geosettle: ", "", 1)
                    (self.feedback.pushWarning if warned else self.feedback.pushInfo)(message)
        except OSError as error:
            raise QgsProcessingException(
                f"The Python of geosettle cannot be started ({python}: {error}). Run `geosettle "
                "qgis install` again, or set it in Settings > Options > Processing > Providers."
            ) from error
        if self.feedback.isCanceled():
            raise QgsProcessingException("canceled")
        if code:
            raise QgsProcessingException(message)


def _is_written(about: dict[str, Any]) -> bool:
    return bool(about["kind"].endswith("to write"))


def _none(_: Any) -> dict[str, Any]:
    return {}


def _types(about: dict[str, Any]) -> dict[str, Any]:
    return {"types": [_TYPES[one] for one in about["types"]]}


def _as(kind: str) -> Any:
    return lambda call, about: call.read(kind, about)


def _choices(about: dict[str, Any]) -> dict[str, Any]:
    many = bool(about.get("many"))
    return {"options": about["choices"], "allowMultiple": many, "usesStaticStrings": True}


_NUMBER = QgsProcessingParameterNumber
_FILE = QgsProcessingParameterFileDestination
_KINDS: dict[str, tuple[Any, Any, Any]] = {
    "layer": (
        QgsProcessingParameterFeatureSource,
        _types,
        lambda call, about: call.saved(call.read("Source", about), about),
    ),
    "any layer": (QgsProcessingParameterMapLayer, _types, _Call.layer),
    "raster": (QgsProcessingParameterRasterLayer, _none, _Call.layer),
    "layers": (
        QgsProcessingParameterMultipleLayers,
        lambda _: {"layerType": QgsProcessing.TypeMapLayer},
        _Call.layers,
    ),
    "field": (
        QgsProcessingParameterField,
        lambda about: {"parentLayerParameterName": about["parent"]},
        lambda call, about: next(iter(call.read("Fields", about)), None),
    ),
    "whole": (
        _NUMBER,
        lambda _: {"type": _NUMBER.Integer, "minValue": 1},
        lambda call, about: str(call.read("Int", about)),
    ),
    "number": (
        _NUMBER,
        lambda _: {"type": _NUMBER.Double, "minValue": 0},
        lambda call, about: repr(call.read("Double", about)),
    ),
    "text": (
        QgsProcessingParameterString,
        lambda about: {"multiLine": bool(about.get("again"))},
        _Call.lines,
    ),
    "choice": (
        QgsProcessingParameterEnum,
        _choices,
        lambda call, about: call.read(f"EnumString{'s' * bool(about.get('many'))}", about),
    ),
    "flag": (QgsProcessingParameterBoolean, _none, _as("Boolean")),
    "file": (QgsProcessingParameterFile, _none, _as("String")),
    "folder": (
        QgsProcessingParameterFile,
        lambda _: {"behavior": QgsProcessingParameterFile.Folder},
        _as("String"),
    ),
    "layer to write": (QgsProcessingParameterVectorDestination, _none, _as("OutputLayer")),
    "table to write": (
        _FILE,
        lambda _: {"fileFilter": "CSV (*.csv);;Excel (*.xlsx)"},
        _as("FileOutput"),
    ),
    "page to write": (_FILE, lambda _: {"fileFilter": "HTML (*.html)"}, _as("FileOutput")),
    "folder to write": (QgsProcessingParameterFolderDestination, _none, _as("FileOutput")),
}
"""Kind of parameter: its class, what the class takes more, and how its value is read."""
