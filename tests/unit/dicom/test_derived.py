"""What is computed and no picture of anatomy is recognised by any of the words used for it, and anatomy is not."""

import pytest

from brainscan.dicom.derived import names_map, names_no_anatomy

MAPS = (
    "ADC|ADC MAP|ADC_S|DIF_ADC|dADC|eADC|Apparent diffusion coefficient|Diffusionskoeffizient|FA|FA map|ColFA|"
    "fractional anisotropy|Anisotropie|mean diffusivity|CBF|rCBV|RELCBV|MTT|TTP|TMAX|PBP|time to peak|"
    "mean transit time|mittlere Transitzeit|cerebral blood volume|Ktrans|IAUC|T1 map|T2* MAP|B0_MAP|fieldmap|"
    "gre_field_mapping|T2 MapIt|"
    "perfusion map|carte ADC|mappa CBF|mapa de perfusión|parametric|MIP|minIP|mIP_Images(SW)|MaxIP|MAX_IP|Max IP|MNIP|"
    "maximum intensity|PROJECTION IMAGE|Maximale Intensitätsprojektion|projection d'intensité maximale|"
    "proyección de máxima intensidad|proiezione di massima intensità|projeção|SUB|subtracted|Subtraction post-pre|"
    "Subtraktion|Bildsubtraktion|soustraction|sottrazione|sustracción|subtração|difference image|Differenzbild|"
    "Volume rendering|VRT|standard deviation"
)
ANATOMY = (
    "|ORIGINAL|PRIMARY|M|SE|ND|NORM|DIS2D|M_FFE|T1 SE TRA KM|t1_mprage_sag_p2_iso|FLAIR|T2 TSE FS|DWI b1000|TRACEW|"
    "lossy compression|JPEG 2000|t1_se_tra_fa70|flip angle FA=120|T1 LOCAL ANATOMY|SWI|AVERAGE|mean|Farbe|subdural|"
    "SUBACUTE STROKE|imaging|face|adcock|mipaca"
)
SCOUTS = (
    "localizer|Localiser|3-plane loc|3 pl|3PL|AAHead_Scout|Survey_SHC|pilot|planscan|Übersicht|Uebersichtsaufnahme|"
    "Localisateur|Lokalisator|localizador|localizzatore|Topogramm|repérage|tri-planar|3 Ebenen|Pha_Images|phase|"
    "PHASE MAP"
)


@pytest.mark.parametrize("stated", MAPS.split("|"))
def test_a_map_a_projection_and_a_subtraction_are_known_by_any_word_for_them(stated: str) -> None:
    assert names_map(stated)
    assert names_no_anatomy(stated.lower())


@pytest.mark.parametrize("stated", ANATOMY.split("|"))
def test_a_picture_of_anatomy_is_not_taken_for_one(stated: str) -> None:
    assert not names_map(stated)
    assert not names_no_anatomy(stated)


@pytest.mark.parametrize("stated", SCOUTS.split("|"))
def test_a_description_that_speaks_of_a_scout_view_or_of_phase_is_a_hint(stated: str) -> None:
    assert names_no_anatomy(stated)
