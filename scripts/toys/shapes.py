"""Solids as a workshop makes them: sawn and rounded, or turned on a lathe. Lengths are in decimetres, +z is up."""

from itertools import pairwise
from math import pi

import bmesh
import bpy

Place = tuple[float, float, float]
Solid = bpy.types.Object


def box(size: Place, at: Place, of: bpy.types.Material, rounded: float = 0.02, tilt: Place = (0, 0, 0)) -> Solid:
    bpy.ops.mesh.primitive_cube_add(size=1, location=at, rotation=tilt)
    made = bpy.context.object
    made.scale = size
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    return finished(made, of, rounded)


def disc(
    radius: float,
    thick: float,
    at: Place,
    of: bpy.types.Material,
    rounded: float = 0.02,
    tilt: Place = (pi / 2, 0, 0),
) -> Solid:
    """Its axis runs along y, unless tilted."""
    bpy.ops.mesh.primitive_cylinder_add(vertices=96, radius=radius, depth=thick, location=at, rotation=tilt)
    return finished(bpy.context.object, of, rounded)


def ball(radius: float, at: Place, of: bpy.types.Material, scale: Place = (1, 1, 1)) -> Solid:
    bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32, radius=radius, location=at)
    made = bpy.context.object
    made.scale = scale
    return finished(made, of)


def ring(
    radius: float, thick: float, at: Place, of: bpy.types.Material, tilt: Place = (0, 0, 0), scale: Place = (1, 1, 1)
) -> Solid:
    bpy.ops.mesh.primitive_torus_add(
        major_radius=radius, minor_radius=thick, major_segments=96, minor_segments=24, location=at, rotation=tilt
    )
    made = bpy.context.object
    made.scale = scale
    return finished(made, of)


def sawn(
    outline: list[tuple[float, float]], thick: float, of: bpy.types.Material, rounded: float, across: float = 0
) -> Solid:
    """A board of this outline (x, z), `thick` along y around `across`."""
    mesh = bmesh.new()
    face = mesh.faces.new([mesh.verts.new((x, across - thick / 2, z)) for x, z in outline])
    swept = bmesh.ops.extrude_face_region(mesh, geom=[face])
    corners = [each for each in swept["geom"] if isinstance(each, bmesh.types.BMVert)]
    bmesh.ops.translate(mesh, verts=corners, vec=(0, thick, 0))
    bmesh.ops.recalc_face_normals(mesh, faces=mesh.faces)
    return finished(_object(mesh), of, rounded)


def turned(profile: list[tuple[float, float]], at: Place, of: bpy.types.Material) -> Solid:
    """A solid of this profile (radius, height), smooth between its points."""
    mesh = bmesh.new()
    corners = [mesh.verts.new((radius, 0, height)) for radius, height in profile]
    edges = [mesh.edges.new(pair) for pair in pairwise(corners)]
    bmesh.ops.spin(mesh, geom=corners + edges, cent=(0, 0, 0), axis=(0, 0, 1), angle=2 * pi, steps=48, use_merge=True)
    bmesh.ops.remove_doubles(mesh, verts=mesh.verts, dist=1e-4)
    bmesh.ops.recalc_face_normals(mesh, faces=mesh.faces)
    made = _object(mesh)
    made.location = at
    made.modifiers.new("Smooth", "SUBSURF").render_levels = 2
    return finished(made, of)


def cut(made: Solid, by: Solid) -> None:
    """Takes away from one what another fills; edges of the cut stay sharp."""
    hole = made.modifiers.new("Cut", "BOOLEAN")
    hole.object, hole.operation = by, "DIFFERENCE"
    by.hide_render = True


def sliced(made: Solid, through: Place, away: Place) -> Solid:
    """Cuts it along a plane, and takes off what is on the side that `away` points to. Both are in its own places."""
    mesh = bmesh.new()
    mesh.from_mesh(made.data)
    everything = [*mesh.verts, *mesh.edges, *mesh.faces]
    cut_open = bmesh.ops.bisect_plane(mesh, geom=everything, plane_co=through, plane_no=away, clear_outer=True)
    rim = [each for each in cut_open["geom_cut"] if isinstance(each, bmesh.types.BMEdge)]
    bmesh.ops.edgeloop_fill(mesh, edges=rim)
    mesh.to_mesh(made.data)
    mesh.free()
    made.data.set_sharp_from_angle(angle=0.6)
    return made


def finished(made: Solid, of: bpy.types.Material, rounded: float = 0) -> Solid:
    made.data.materials.append(of)
    made.data.shade_smooth()
    made.data.set_sharp_from_angle(angle=0.6)
    if rounded:
        edge = made.modifiers.new("Rounded", "BEVEL")
        edge.width, edge.segments, edge.limit_method, edge.angle_limit = rounded, 5, "ANGLE", 0.5
        edge.harden_normals = True
    return made


def _object(mesh: bmesh.types.BMesh) -> Solid:
    data = bpy.data.meshes.new("Solid")
    mesh.to_mesh(data)
    mesh.free()
    made = bpy.data.objects.new("Solid", data)
    bpy.context.collection.objects.link(made)
    return made
