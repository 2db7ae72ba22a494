"""What toys are made of: painted wood, bare wood, varnish, glass, metal, plaster. Colours are linear RGB, 0 to 1."""

import bpy

Color = tuple[float, float, float]


def material(name: str, color: Color, **inputs: float) -> bpy.types.Material:
    """A principled surface; `inputs` by the names of Blender's sockets, with _ for a blank."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    surface = made.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*color, 1)
    for socket, value in inputs.items():
        surface.inputs[socket.replace("_", " ")].default_value = value
    return made


def paint(name: str, color: Color, roughness: float = 0.32) -> bpy.types.Material:
    """Enamel on wood: the grain is felt through it, and no coat of it is quite even."""
    made = material(name, color, Roughness=roughness, Coat_Weight=0.35, Coat_Roughness=0.12)
    grain = _noise(made, scale=(3, 3, 40), detail=6)
    _bump(made, grain, strength=0.05)
    _mix(made, grain, [(0.3, _times(color, 0.86)), (0.75, _times(color, 1.08))])
    return made


def wood(
    name: str, dark: Color, light: Color, scale: tuple[float, float, float] = (1.2, 9, 9), roughness: float = 0.42
) -> bpy.types.Material:
    """Bare, waxed; `scale` is small along the grain."""
    made = material(name, light, Roughness=roughness, Coat_Weight=0.12, Coat_Roughness=0.35)
    grain = _noise(made, scale, detail=9, distortion=1.4)
    _mix(made, grain, [(0.34, dark), (0.52, _between(dark, light)), (0.68, light)])
    _bump(made, grain, strength=0.06)
    return made


def plaster(name: str, color: Color) -> bpy.types.Material:
    made = material(name, color, Roughness=0.9)
    clouds = _noise(made, (1.1, 1.1, 1.1), detail=8)
    _mix(made, clouds, [(0.3, _times(color, 0.72)), (0.7, color)])
    _bump(made, _noise(made, (14, 14, 14), detail=8), strength=0.25)
    return made


def bands(made: bpy.types.Material, stops: list[tuple[float, Color]]) -> bpy.types.Material:
    """Paints `made` in rings: from each height on (0 to 1 of the object's box), its colour."""
    nodes, links = made.node_tree.nodes, made.node_tree.links
    place, split = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeSeparateXYZ")
    ramp = _ramp(made, stops, "CONSTANT")
    links.new(place.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return made


def lamp(name: str, color: Color, strength: float) -> bpy.types.Material:
    made = material(name, color, Emission_Strength=strength)
    made.node_tree.nodes["Principled BSDF"].inputs["Emission Color"].default_value = (*color, 1)
    return made


def _noise(
    made: bpy.types.Material, scale: tuple[float, float, float], detail: float, distortion: float = 0
) -> bpy.types.NodeSocket:
    nodes, links = made.node_tree.nodes, made.node_tree.links
    place, stretch, noise = (nodes.new(f"ShaderNode{kind}") for kind in ("TexCoord", "Mapping", "TexNoise"))
    stretch.inputs["Scale"].default_value = scale
    noise.inputs["Scale"].default_value = 1
    noise.inputs["Detail"].default_value = detail
    noise.inputs["Distortion"].default_value = distortion
    links.new(place.outputs["Object"], stretch.inputs["Vector"])
    links.new(stretch.outputs["Vector"], noise.inputs["Vector"])
    return noise.outputs["Fac"]


def _mix(made: bpy.types.Material, factor: bpy.types.NodeSocket, stops: list[tuple[float, Color]]) -> None:
    ramp = _ramp(made, stops, "LINEAR")
    made.node_tree.links.new(factor, ramp.inputs["Fac"])
    made.node_tree.links.new(ramp.outputs["Color"], made.node_tree.nodes["Principled BSDF"].inputs["Base Color"])


def _ramp(made: bpy.types.Material, stops: list[tuple[float, Color]], interpolation: str) -> bpy.types.Node:
    ramp = made.node_tree.nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.interpolation = interpolation
    elements = ramp.color_ramp.elements
    while len(elements) < len(stops):
        elements.new(1)
    for element, (place, color) in zip(elements, stops, strict=False):
        element.position, element.color = place, (*color, 1)
    return ramp


def _bump(made: bpy.types.Material, height: bpy.types.NodeSocket, strength: float) -> None:
    bump = made.node_tree.nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = strength
    bump.inputs["Distance"].default_value = 0.05
    made.node_tree.links.new(height, bump.inputs["Height"])
    made.node_tree.links.new(bump.outputs["Normal"], made.node_tree.nodes["Principled BSDF"].inputs["Normal"])


def _times(color: Color, factor: float) -> Color:
    return tuple(min(1.0, channel * factor) for channel in color)


def _between(one: Color, other: Color) -> Color:
    return tuple((a + b) / 2 for a, b in zip(one, other, strict=True))
