"""What is computed and no picture of anatomy is recognised by any of the words used for it, and anatomy is not."""

import pytest

from brainscan.dicom.derived import mentions_map, mentions_no_anatomy

MAPS = (
    "ADC|ADC MAP|ADC_S|DIF_ADC|dADC|eADC|Apparent diffusion coefficient|Diffusionskoeffizient|FA|FA map|ColFA|"
    "fractional anisotropy|Anisotropie|mean diffusivity|CBF|rCBV|RELCBV|MTT|TTP|TMAX|PBP|time to peak|"
    "mean transit time|mittlere Transitzeit|cerebral blood volume|Ktrans|IAUC|T1 map|T2* MAP|B0_MAP|fieldmap|"
    "gre_field_mapping|T2 MapIt|"
    "perfusion map|carte ADC|mappa CBF|mapa de perfusión|parametric|MIP|minIP|mIP_Images(SW)|MaxIP|MAX_IP|Max IP|MNIP|"
    "maximum intensity|PROJECTION IMAGE|Maximale Intensitätsprojektion|projection d'intensité maximale|"
    "proyección de máxima intensidad|proiezione di massima intensità|projeção|SUB|subtracted|Subtraction post-pre|"
    "Subtraktion|Bildsubtraktion|soustraction|sottrazione|sustracción|subtração|difference image|Differenzbild|"
    "Volume rendering|VRT|standard deviation|"
    "ADC_UNSPECIFIED|R2_STAR|GLM|STDDEV|MIP_SUB|COLLAPSE|PJN|Fractional Aniso.|Average DC|Color Orientation|"
    "Transit delay|QSM|APTW|MTR|FAT FRACTION|PDFF|Max. rel. enhancement|wash-in|IAUGC|K-trans|CMRO2|OEF|CVR|"
    "cerebrovascular reactivity|"
    "MEAN_IP|AvIP|CPR|curved MPR|Tracto|fiber tracking|vessel tracking|MIPs|T1 relaxometry|elastography|time-intensity|"
    "CDA|coefficient de diffusion apparent|coeficiente de difusión aparente|coefficiente di diffusione apparente|ADK|"
    "карта ИКД|субтракция|odečet|térkép|kivonás|ADC haritası|çıkarma|減算|差分|サブトラクション|最大値投影|ADCマップ|"
    "拡散係数|"
    "减影|最大密度投影|감산|최대강도투사|"
    "表观扩散系数|弥散系数|擴散係數|겉보기확산계수|odejmowanie|DTI color|diff coeff|"
    "ADC图|MIP像|tMIP画像|MIPtra|ADCcor|SUBsag|Feldkarte|T1-Karten|ADC-kaart|cartographie T2|"
    "kurtosis|MK kurtosis|Eigenvalue 1|ODI|"
    "perfusion weighted|signal enhancement ratio|maximum slope of increase|time to minimum|global bolus plot|isoADC|"
    "αφαίρεση|χάρτης ADC|προβολή|erotuskuva|subtractie|substrakcja|parametrisch"
)
ANATOMY = (
    "|ORIGINAL|PRIMARY|M|SE|ND|NORM|DIS2D|M_FFE|T1 SE TRA KM|t1_mprage_sag_p2_iso|FLAIR|T2 TSE FS|DWI b1000|TRACEW|"
    "lossy compression|JPEG 2000|t1_se_tra_fa70|flip angle FA=120|T1 LOCAL ANATOMY|SWI|AVERAGE|mean|Farbe|subdural|"
    "SUBACUTE STROKE|imaging|face|adcock|mipaca|IN_PHASE|out of phase|arterial phase|phase encoding AP|T2 STAR|"
    "prescan normalize|MFSPLIT|T1 MPR tra|MP2RAGE UNI|CISS|T1 POST GAD|CS 3D TFE|"
    "EXTRA SLICES|subcortical|PERFUSION WITH CONTRAST"
)
SCOUTS = (
    "localizer|Localiser|3-plane loc|3 pl|3PL|AAHead_Scout|Survey_SHC|pilot|planscan|Übersicht|Uebersichtsaufnahme|"
    "Localisateur|Lokalisator|localizador|localizzatore|Topogramm|repérage|tri-planar|3 Ebenen|Pha_Images|phase|"
    "PHASE MAP|FILT_PHA: SWAN|unwrapped phase|PHASE_DIFF|T1 post minus pre|AngioSub|fused|segmentation|VENC 30|PCA_P|"
    "T1_Images|T2_Images|R2 relaxation|R2* image|correlation|"
    "ASSET calibration|CoilSurvey|SENSE REF|Reference scan|B0 shim|PreScan|MRS|CHO/NAA"
)


@pytest.mark.parametrize("stated", MAPS.split("|"))
def test_a_map_a_projection_and_a_subtraction_are_known_by_any_word_for_them(stated: str) -> None:
    assert mentions_map(stated)
    assert mentions_no_anatomy(stated.lower())


@pytest.mark.parametrize("stated", ANATOMY.split("|"))
def test_a_picture_of_anatomy_is_not_taken_for_one(stated: str) -> None:
    assert not mentions_map(stated)
    assert not mentions_no_anatomy(stated)


@pytest.mark.parametrize("stated", SCOUTS.split("|"))
def test_a_description_that_speaks_of_a_scout_view_or_of_phase_is_a_hint(stated: str) -> None:
    assert mentions_no_anatomy(stated)
