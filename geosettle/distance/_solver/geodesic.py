"""Geodesic distance of many pairs on the WGS84 ellipsoid: formulas for NumPy and compiled code.

Method
------
Let beta be the reduced latitude, ``tan(beta) = (1 - f) tan(lat)``. On the auxiliary sphere the
geodesic is a great circle between the same reduced latitudes, over a longitude difference lambda
that is a little larger than the true difference L (Bessel 1825). Series after Karney, "Algorithms
for geodesics", J. Geodesy 87 (2013), eqs. 7-25:

    sin²(sigma/2) = sin²((beta2-beta1)/2) + cos(beta1) cos(beta2) sin²(lambda/2)
    haversine sin(a0)  = cos(beta1) cos(beta2) sin(lambda) / sin(sigma)
    azimuth at the equator k²       = e'² cos²(a0),   eps = (sqrt(1+k²)-1) / (sqrt(1+k²)+1)
    s        = b A1 [sigma + 2 sum C1l sin(l sigma) cos(2 l sigma_m)]                       length
    lambda-L = f sin(a0) A3 [sigma + 2 sum C3l sin(l sigma) cos(2 l sigma_m)]
    longitude

``cos(2 sigma_m)`` would need a division by cos²(a0), which vanishes on the equator; but it occurs
only multiplied by eps, and ``q = cos²(a0) cos(2 sigma_m) = cos²(a0) cos(sigma) - 2 sin(beta1)
sin(beta2)`` is regular. So the code uses ``eps`` and ``p = eps cos(2 sigma_m)``, both as
polynomials.

Any lambda gives an exact geodesic between the two latitudes, of length s', whose longitude
difference L' misses the true one by ``r = L - L'``. Because ``ds/dL = a sin(a0)`` (Clairaut) and
``d sin(a0)/dlambda = kappa = (q + sin(beta1) sin(beta2)) / sin(sigma)``, the length wanted is

    s = s' + a r (sin(a0) + kappa r / (2 (1 - D))) + O(a kappa² r³),     D = f (kappa sigma +
    sin²(a0))

where ``1 - D`` is dL/dlambda. So lambda need not be iterated until it stands still, only until r is
small, and every pair takes the same steps: no branches, and compilers and NumPy work on many pairs
at a time.

Near points need none of this. In space, in units of the semi-major axis and halved, let u be the
square of the chord, d the part of it along the axis of rotation, and m the square of the mean
height above the equator:

    u = dx² + dy² + dz²,   d = dz²,   m = (z1 + z2)²

The square of the distance is an analytic function of these three, which no mirroring or turning of
the pair changes. A curve of curvature kappa is longer than its chord c by c³ kappa²/24 to the first
order, and kappa c² is the second fundamental form, so with x = (s / 2a)² the series begins

    x = u + u²/3 + 2 e'² u d / 3 + ... = u + sum X_ijk u^i d^j m^k,   i + j >= 2

On a sphere it is that of arcsin²(sqrt(u)). One square root, no division: the kernel is bound by
memory. The X are the 28 terms that matter, fitted to GeographicLib on 60,000 random pairs up to
0.405 radians (least squares, weighted towards the largest errors); the first of each kind agree
with the series within 1 %.

Error
-----
`near`, for arcs up to NEAR_SIGMA, is within 0.002 mm. The series of `far` are kept to eps³; what is
left out is below 1e-6 m. `far` makes one Newton step and one full pass; it
is within 0.04 mm as long as the points are more than 5.5 degrees from each other's antipode, beyond
which the remainder ``a kappa² r³`` grows. It gives cos²(sigma/2) for lambda = L with the length, so
that the caller can send the others, 0.23 % of all pairs on a sphere, to GeographicLib.
tests/test_geodesic.py holds all three to this over the whole Earth.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geosettle.geodesy import FLATTENING, SEMI_MAJOR_M

FloatArray = NDArray[np.float64]

_F: Final = FLATTENING
_A: Final = SEMI_MAJOR_M
_B: Final = SEMI_MAJOR_M * (1 - FLATTENING)
_N: Final = FLATTENING / (2 - FLATTENING)
_EP2: Final = FLATTENING * (2 - FLATTENING) / (1 - FLATTENING) ** 2

NEAR_SIGMA: Final = 0.4
NEAR_U: Final = float(np.sin(NEAR_SIGMA / 2) ** 2)
"""Square of half the chord over the semi-major axis up to which `near` holds: 2,533 km, 0.4 radians
of the equator.
"""
ANTIPODE: Final = float(np.sin(np.radians(5.5) / 2) ** 2)
"""`far` holds where the second value it gives is above this: farther than 5.5 degrees from the
antipode.
"""


def _fit(degree: int, high: float, of: Any) -> tuple[float, ...]:
    """Coefficients, lowest first, of the best polynomial for a function of h on 0..high.

    The fit is at Chebyshev nodes.
    """
    x = (np.cos(np.pi * (np.arange(400) + 0.5) / 400) + 1) / 2 * high
    fit = np.polynomial.Chebyshev.fit(x, of(x), degree, domain=[0, high])
    return tuple(float(c) for c in fit.convert(kind=np.polynomial.Polynomial).coef)


def _arcsin(h: FloatArray) -> FloatArray:
    return np.asarray(np.arcsin(np.sqrt(h)) / np.sqrt(h))  # half of sigma over sin(sigma/2)


_G0, _G1, _G2, _G3, _G4, _G5, _G6, _G7, _G8, _G9, _G10, _G11, _G12 = _fit(12, 0.5, _arcsin)
_R0, _R1, _R2, _R3, _R4, _R5 = _fit(5, 0.5, _arcsin)


def _by_k2(order: int, degree: int, *by_eps: float) -> tuple[float, ...]:
    """Turn ``eps**order * (c0 + c1 eps + ...)`` into a series in k2.

    It is ``k2**order`` times the nearest polynomial in k2 of a degree.
    """

    def inner(k2: FloatArray) -> FloatArray:
        root = np.sqrt(1 + k2)
        eps = k2 / (root + 1) ** 2
        return np.asarray((1 / (root + 1) ** 2) ** order * np.polynomial.Polynomial(by_eps)(eps))

    return _fit(degree, _EP2, inner)


# Karney (2013) by powers of eps. Length, eq. 17: A1; eq. 18: 2 C11, 2 C12, 2 C13. Longitude, with
# the third flattening n put in, eq. 24: A3; eq. 25: 2 C31, 2 C32, 2 C33. The factor of 2 is that of
# sin(2l s2) - sin(2l s1), written as 2 sin(l sigma) cos(2l sigma_m); sin(2 sigma) and sin(3 sigma)
# are written by sin(sigma), which adds another 2 to C.2.
_A10, _A11, _A12, _A13 = _by_k2(0, 3, 1, 1, 5 / 4, 5 / 4, 81 / 64)
_U0, _U1, _U2 = _by_k2(1, 2, -1, 0, 3 / 8)
_V0, _V1, _V2 = _by_k2(2, 2, -1 / 4, 0, 1 / 8)
_W0, _W1 = _by_k2(3, 1, -1 / 24)
_A30, _A31, _A32 = _by_k2(
    0, 2, 1, _N / 2 - 1 / 2, 3 * _N**2 / 8 - _N / 8 - 1 / 4, -1 / 16 - 3 * _N / 16 - _N**2 / 16
)
_L0, _L1 = _by_k2(1, 1, 1 / 2 - _N / 2, 1 / 4 - _N**2 / 4, 3 / 32 + 3 * _N / 32 - _N**2 / 32)
_J0, _J1 = _by_k2(2, 1, 1 / 4 - 3 * _N / 8 + _N**2 / 8, 3 / 16 - _N / 8 - 3 * _N**2 / 16)
(_K0,) = _by_k2(3, 0, 5 / 96 - 3 * _N / 32 + 5 * _N**2 / 96)


# Coefficients X_ijk of u^i d^j m^k.
_X200, _X201, _X202, _X203 = 0.333333333466, -0.00226163797472, 1.5343473282e-05, -1.01102676536e-07
_X110, _X111, _X112 = 0.00449299425127, -3.04825619727e-05, 2.09063355405e-07
_X020, _X021 = 1.51432341961e-05, -1.10503060921e-07
_X300, _X301, _X302, _X303 = 0.17777776503, -0.00332338829859, 4.3031354984e-05, -5.71083937965e-07
_X210, _X211, _X120 = 0.00344393625584, -4.83768938773e-05, 2.20692685538e-05
_X400, _X401, _X402 = 0.114288118985, -0.003962513822, 9.0034381589e-05
_X310, _X311, _X312 = 0.00293753181456, -9.08658099533e-05, 1.26079621437e-05
_X220, _X130 = 3.14722961053e-05, 1.45156046892e-06
_X500, _X501, _X410, _X600 = 0.0810940324908, -0.0048660644304, 0.0029494622534, 0.0666152037596


def prepare(lon: ArrayLike, lat: ArrayLike) -> FloatArray:
    """Sines and cosines that the formulas take of each point, shape (6, n).

    Half the reduced latitude, half the longitude, the reduced latitude: sine and cosine of each.

    Examples
    --------
    >>> prepare([0.0], [90.0]).round(3).ravel().tolist()
    [0.707, 0.707, 0.0, 1.0, 1.0, 0.0]
    """
    phi, half = (
        np.radians(np.asarray(lat, dtype=np.float64)),
        np.radians(np.asarray(lon, dtype=np.float64) % 360) / 2,
    )
    sine, cosine = (1 - _F) * np.sin(phi), np.cos(phi)
    scale = 1 / np.sqrt(sine * sine + cosine * cosine)
    sine, cosine = sine * scale, cosine * scale
    half_cosine = np.sqrt((1 + cosine) / 2)
    return np.stack(
        [sine / (2 * half_cosine), half_cosine, np.sin(half), np.cos(half), sine, cosine]
    )


def halved(lon: ArrayLike, lat: ArrayLike) -> FloatArray:
    """Earth-centred coordinates of points, in units of twice the semi-major axis, shape (3, n).

    Examples
    --------
    >>> halved([90.0], [0.0]).round(3).ravel().tolist()
    [0.0, 0.5, 0.0]
    """
    phi, lam = (
        np.radians(np.asarray(lat, dtype=np.float64)),
        np.radians(np.asarray(lon, dtype=np.float64) % 360),
    )
    sine, cosine = (1 - _F) * np.sin(phi), np.cos(phi)
    scale = 0.5 / np.sqrt(sine * sine + cosine * cosine)
    cosine = cosine * scale
    return np.stack([cosine * np.cos(lam), cosine * np.sin(lam), (1 - _F) * (sine * scale)])


def half_angles(  # noqa: PLR0917  (compiled code takes numbers, not records; here and below)
    sb1: Any,
    cb1: Any,
    sl1: Any,
    cl1: Any,
    s1: Any,
    c1: Any,
    sb2: Any,
    cb2: Any,
    sl2: Any,
    cl2: Any,
    s2: Any,
    c2: Any,
) -> tuple[Any, Any, Any, Any, Any]:
    """Half-angle terms of two points for `far`.

    They are sin²(difference of beta / 2), sin and cos of L/2, cos(beta1) cos(beta2), sin(beta1)
    sin(beta2).

    Differences of half angles, so that near points keep all their digits; L is brought to 0..pi by
    the absolute values.
    """
    ph = sb2 * cb1 - cb2 * sb1
    return ph * ph, abs(sl2 * cl1 - cl2 * sl1), abs(cl2 * cl1 + sl2 * sl1), c1 * c2, s1 * s2


def _length(  # noqa: PLR0917
    sigma: Any, ssig: Any, csig: Any, sl: Any, ss: Any, inv: Any, x: Any
) -> tuple[Any, Any, Any, Any]:
    """Length of the geodesic whose longitude difference on the sphere is L + x.

    r, sin(a0) and q of it are returned too.
    """
    sa = sl * inv
    c2a = 1 - sa * sa
    q = c2a * csig - 2 * ss
    k2, y = _EP2 * c2a, _EP2 * q  # k² and k² cos(2 sigma_m)
    k4, y2 = k2 * k2, y * y
    w2 = csig * (2 * y2 - k4)  # k4 cos(4 sigma_m) sin(2 sigma) / (2 sin(sigma))
    w3 = (
        (4 * csig * csig - 1) * y * (4 * y2 - 3 * k4)
    )  # k6 cos(6 sigma_m) sin(3 sigma) / sin(sigma)
    wave = (
        y * (_U0 + k2 * (_U1 + k2 * _U2))
        + w2 * (_V0 + k2 * (_V1 + k2 * _V2))
        + w3 * (_W0 + k2 * _W1)
    )
    a1 = _A10 + k2 * (_A11 + k2 * (_A12 + k2 * _A13))
    turn = sigma * inv + y * (_L0 + k2 * _L1) + w2 * (_J0 + k2 * _J1) + w3 * _K0
    r = _F * sl * (_A30 + k2 * (_A31 + k2 * _A32)) * turn - x
    return _B * a1 * (sigma + ssig * wave), r, sa, q


def squares(x1: Any, y1: Any, z1: Any, x2: Any, y2: Any, z2: Any) -> tuple[Any, Any]:  # noqa: PLR0917
    """Squares of the chord and of the distance, both over (2a)², from `halved` coordinates.

    They hold up to NEAR_U.
    """
    dx, dy, dz, sz = x1 - x2, y1 - y2, z1 - z2, z1 + z2
    d, m = dz * dz, sz * sz
    u = d + (dx * dx + dy * dy)
    a = _X200 + m * (_X201 + m * (_X202 + m * _X203))
    b = _X300 + m * (_X301 + m * (_X302 + m * _X303))
    c = _X400 + m * (_X401 + m * _X402)
    a = a + u * (b + u * (c + u * (_X500 + m * _X501 + u * _X600)))
    e = _X310 + m * (_X311 + m * _X312) + u * _X410
    e = _X110 + m * (_X111 + m * _X112) + u * (_X210 + m * _X211 + u * e)
    g = _X020 + m * _X021 + u * (_X120 + u * _X220 + d * _X130)
    return u, u + (u * (u * a + d * e) + d * d * g)


def near(x1: Any, y1: Any, z1: Any, x2: Any, y2: Any, z2: Any) -> Any:  # noqa: PLR0917
    """Length in metres from `halved` coordinates, up to NEAR_U."""
    return 2 * _A * np.sqrt(squares(x1, y1, z1, x2, y2, z2)[1])


def far(pp: Any, sh: Any, ch: Any, cc: Any, ss: Any) -> tuple[Any, Any]:
    """Length in metres from `half_angles` for any arc, and cos²(sigma/2) at L.

    The length holds where that exceeds ANTIPODE.
    """
    h = pp + cc * sh * sh
    left = 1 - h
    t = np.minimum(h, left)
    over = (h > 0.5) * 1.0
    half = np.sqrt(np.maximum(t, 0.0)) * (
        _R0 + t * (_R1 + t * (_R2 + t * (_R3 + t * (_R4 + t * _R5))))
    )
    sigma = 2 * half + over * (np.pi - 4 * half)
    inv = 1 / (2 * np.sqrt(np.maximum(h * (1 - h), 0.0)) + 1e-150)
    sa = 2 * cc * sh * ch * inv
    kappa = ((1 - sa * sa) * (1 - 2 * h) - ss) * inv
    x = (
        0.5 * _F * sa * sigma / (1 - _F * (kappa * sigma + sa * sa))
    )  # half of lambda - L, by one Newton step
    x = np.minimum(
        np.maximum(x, -0.1), 0.1
    )  # it may run away near the antipode, where the result is not used
    x2 = x * x
    sx, cx = x * (1 - x2 * (1 / 6 - x2 * (1 / 120))), 1 - x2 * (0.5 - x2 * (1 / 24))
    sn, cn = sh * cx + ch * sx, ch * cx - sh * sx
    h = np.minimum(pp + cc * sn * sn, 1.0)
    t = np.minimum(h, 1 - h)
    over = (h > 0.5) * 1.0
    high = _G7 + t * (_G8 + t * (_G9 + t * (_G10 + t * (_G11 + t * _G12))))
    root = 2 * np.sqrt(t)
    half = root * (
        _G0 + t * (_G1 + t * (_G2 + t * (_G3 + t * (_G4 + t * (_G5 + t * (_G6 + t * high))))))
    )
    sigma = half + over * (np.pi - 2 * half)
    ssig = root * np.sqrt(1 - t)
    inv = 1 / (ssig + 1e-150)
    length, r, sa, q = _length(sigma, ssig, 1 - 2 * h, 2 * cc * sn * cn, ss, inv, 2 * x)
    kappa = (q + ss) * inv
    d = _F * (kappa * sigma + sa * sa)
    return length + _A * r * (sa + 0.5 * kappa * r * (1 + d * (1 + d * (1 + d)))), left
