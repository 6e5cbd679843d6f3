"""Terms for parts of the body as orders and protocols write them, by language; all but `HEAD` are of other parts."""

from typing import Final

ELSEWHERE: Final = {
    "abbreviations": (
        "L SHOULDER|LT SHLDR|C/S|L/S|T/L SPINE|LS SPINE|L SP|LSP|CSP|TSP|C SPN|C-SP|L-SP|ABD|ABD/PEL|ABDPEL|PELV|"
        "UP_EXM|LO_EXM|R KNEE|RKNEE|LKNEE|KNEE_R|ANKLE_LT|WRST|CAROTIDS|CAROTID BIF|ELBOWS|ANKLES|HUMERI|"
        "FOREFOOT|HINDFOOT|MIDFOOT|METATARSAL|LISFRANC|ACHILLES|ROTATOR CUFF|LABRUM|HIP ARTHROGRAM|"
        "MR ARTHRO SHOULDER|SI JOINTS|SACRUM|COCCYX|LUMBAR|L-SPINE|CERV SPINE|THORACIC SPINE|DORSAL SPINE|"
        "DORSOLUMBAR|SPINE SURVEY|TOTAL SPINE|WHOLE SPINE|RECTUM|ANAL FISTULA|PERIANAL|MR ENTEROGRAPHY|"
        "ENTEROCLYSIS|DEFECOGRAPHY|MRCP|PANCREAS|UTERUS|CERVIX|SCROTUM|TESTES|LIVER|SPLEEN|KIDNEYS|UROGRAPHY|"
        "MR UROGRAM|URETHRA|BLADDER|AORTA|RENAL ARTERIES|PERIPHERAL ANGIO|RUN-OFF|LOWER EXTREMITY|CALVES|THIGHS|"
        "HAMSTRING|QUADRICEPS|FOREARMS|HAND|FINGERS|THUMB|CLAVICLE|STERNOCLAVICULAR|AC JOINT|CHEST WALL|AXILLA|"
        "BREASTS|CARDIAC|HEART|PERICARDIUM|LUNG|MEDIASTINUM|THYMUS|LARYNX|PHARYNX|THYROID|PAROTID|"
        "NECK SOFT TISSUE|NECK MRA|SUPRACLAVICULAR|BRACHIAL|PLEXUS|FETUS|FETAL|PLACENTA|EXTREMITY|FEMUR|TIBIA|"
        "FIBULA|PATELLA|MENISCUS|ACL|HUMERUS|RADIUS|ULNA|SCAPHOID|CARPAL|ILIAC|ILIUM|SYMPHYSIS|PUBALGIA|BACK|"
        "MR ARTHROGRAM|JOINT LEFT|FISTULA|PHANTOM|"
        "ADRENALS|ANUS|OROPHARYNX|CERVICOTHORACIC|MR MYELOGRAPHY|MRI UE JT LT|MR LE NJX RT|MR EXT LOWER JT|MR SP CERV|"
        "CERV SP|L5-S1|C2-C7|Th1-12|MR KUB|MRU|KneeLeft|RtShoulder|MRKnee|MRIKnee|MRLSPINE|MRCSP|MRIABD|"
        "IRMgenou|t2KneeSag|"
        "NERVE ROOT LUMBAR|SCIATIC|WB|WHOLE-BODY|TORSO|TRUNK|Femoral head|head of pancreas"
    ),
    "of other languages": (
        "poitrine|angio IRM membres|uro-RM|LWZ|CWZ|nerka|dolní končetina|bilek|lágyrész|încheietura mâinii|"
        "rintakehä|grudni koš|МРТ ОБП|ОМТ|ТБС"
    ),
    "german": (
        "Handwurzel|Fußwurzel|Mittelfuß|Mittelhand|MR Fistel|"
        "Rücken|Nacken|Schulter re.|Knie li|Knöchel|OSG|OSG rechts|USG|Vorfuß|Rückfuß|Zehe|Zehen|Großzehe|Ferse|"
        "Finger|Daumen|Hand|Wade|Unterschenkel|Oberschenkel|Oberarm|Schlüsselbein|Rippen|Lunge|Mediastinum|"
        "Thorax|Leiste|Kreuzbein|Steißbein|Sakrum|ISG|Niere|Nieren|Nebenniere|Leber|Galle|Gallenwege|Milz|"
        "Pankreas|Bauchspeicheldrüse|Darm|Dünndarm|Sellink|Rektum|Gebärmutter|Uterus|Blase|Harnblase|Hoden|Penis|"
        "Schilddrüse|Kehlkopf|Halsweichteile|Karotis|Carotis|Aorta|Becken-Bein|Angiographie Becken|Bauch|Abdomen|"
        "Oberbauch|Unterbauch|Brust|Mamma|Mamma-MRT|Herz|Myokard|Wirbelsäule|HWS|BWS|LWS|Spinalkanal|Rückenmark|"
        "Myelon|Plexus|Schultern|Hüften|Knie beidseits|Kreuzband|Meniskus|Achillessehne|Extremität|GWS|"
        "Gesamte WS|WS gesamt|BWS/LWS|Hüftkopfnekrose|Kehlkopf|Rückenmark"
    ),
    "french": (
        "genoux|rachis|épaules|poignet|main droite|doigt|doigts|orteil|mollet|avant-bras|clavicule|côtes|poumon|"
        "vessie|utérus|ovaire|colonne vertébrale|thyroïde|sacrum|fesse|talon|aisselle|sternum|entéro-IRM|"
        "bili-IRM|bili IRM|cholangio-IRM|foie|pancréas|bassin|pelvis|hanches|cuisses|jambes|pieds|chevilles|"
        "coudes|bras|sein|mammaire|cœur|cardiaque|moelle épinière|charnière|sacro-iliaques|plexus brachial|aorte|"
        "artères rénales|membres inférieurs|membre supérieur|cervical|dorsolombaire|abdomen|tronc|corps entier|"
        "prostate|testicules|vaisseaux du cou|IRM des reins|IRM dos|IRM du cou|IRM TAP"
    ),
    "spanish": (
        "rodillas|hombros|espalda|tobillos|dedo|dedos|antebrazo|pantorrilla|pulmón|pulmones|riñones|vejiga|útero|"
        "próstata|bazo|vesícula|cervical|columna dorsal|raquis|lumbosacra|sacro|ingle|talón|pelvis|pélvis|tórax|"
        "hígado|páncreas|mamas|mama|cuello|muñecas|codos|caderas|piernas|muslos|manos|mano|cuerpo entero|"
        "colangio RM|abdomen|extremidades|miembro inferior|tiroides|carótidas|brazos|clavícula|costillas|médula|"
        "fémur|húmero|intestino|ovarios|RM pies|RM recto|cabeza femoral"
    ),
    "italian": (
        "ginocchia|spalle|mano|mani|dita|dito|avambraccio|coscia|polpaccio|polmone|polmoni|vescica|utero|"
        "prostata|milza|schiena|rachide dorsale|sacro|inguine|tallone|torace|addome|fegato|pancreas|seno|"
        "mammelle|bacino|femore|tibia|omero|piede|piedi|anche|gomiti|polsi|caviglie|collo|colonna|cervicale|"
        "lombare|midollo|cuore|cardio|cardiaca|arti inferiori|arto inferiore|tiroide|carotidi|colangio|intestino|"
        "ovaie|piccolo bacino|RM rene|RM dorsale"
    ),
    "portuguese": (
        "joelhos|ombros|costas|tornozelos|dedo|dedos|antebraço|panturrilha|pulmão|bexiga|útero|baço|pelve|tórax|"
        "abdome|abdômen|mama|mamas|cervical|lombar|coxa|coxas|quadris|pescoço|fígado|pâncreas|próstata|coração|"
        "punhos|cotovelos|perna|pernas|coluna|medula|fêmur|úmero|membro inferior|colangio|tireoide|tiroide|anca|"
        "ancas|corpo inteiro|RM mão|RM pés|RM rins"
    ),
    "dutch": (
        "knieën|schouders|elleboog|vinger|vingers|tenen|onderarm|bovenarm|bovenbeen|onderbeen|nier|nieren|blaas|"
        "baarmoeder|prostaat|hals|nek|ribben|lever|borsten|mammae|mamma|halswervelkolom|lendenwervel|LWK|heupen|"
        "enkels|polsen|hand|voeten|voet|hart|buik|galwegen|alvleesklier|schildklier|bekken|ruggenmerg|thorax|"
        "knie|pols|rectum|carotiden|bijnier|MRI rug|MRI hiel"
    ),
    "polish": (
        "kolano|bark|biodro|biodra|stawu kolanowego|stawu biodrowego|stawu ramiennego|łokieć|łokciowego|"
        "nadgarstek|dłoń|ręka|ręki|stopa|palec|udo|uda|podudzie|kręgosłup|szyja|szyi|klatka piersiowa|"
        "klatki piersiowej|brzuch|brzucha|wątroba|nerki|miednica|miednica mała|prostata|prostaty|"
        "gruczołu krokowego|sutek|sutków|piersi|serce|serca|trzustka|jelita|enterografia|kończyny|"
        "kończyn dolnych|ramię|przedramię|odcinek szyjny|odcinek lędźwiowy|odcinka L-S|L/S|rdzeń|"
        "rdzenia kręgowego|drogi żółciowe|tarczyca|głowa kości udowej"
    ),
    "czech, slovak": (
        "koleno|rameno|kyčel|kyčle|loket|zápěstí|ruka|ruky|noha|nohy|prst|stehno|bérec|páteř|C páteř|L páteř|"
        "Th páteř|LS páteře|krk|krku|hrudník|břicho|břicha|játra|jater|ledviny|pánev|pánve|malá pánev|prostata|"
        "prs|srdce|hlezno|hlezna|pankreas|enterografie|krční|hrudní|bederní|mícha|míchy|chrbtica|chrbtice|brucho|"
        "brucha|koleno|kolena|členok|zápästie|lakeť|bedrový kĺb|panva|panvy|pečeň|obličky|prsník|driek|driekovej"
    ),
    "nordic": (
        "knæ|knä|kne|skulder|skuldra|axel|axlar|albue|armbåge|håndled|handled|håndledd|hånd|hand|finger|fod|fot|"
        "ankel|hofte|höft|höfter|lår|underben|legg|ryg|rygg|rygsøjle|ryggrad|columna|nakke|hals|bryst|bröst|"
        "brystkasse|thorax|mave|buk|lever|nyre|nyrer|njure|njurar|bækken|bäcken|bekken|prostata|mamma|hjerte|"
        "hjärta|tyndtarm|tunntarm|halskotpelare|ländkotpelare|bröstkotpelare|cervikalcolumna|lumbalcolumna|"
        "LS-columna|ländryggrad|livmoder|galleveje|gallvägar|polvi|polven|olkapää|kyynärpää|ranne|ranteen|käsi|"
        "sormi|varvas|jalka|jalkaterä|nilkka|nilkan|lonkka|lonkan|reisi|sääri|selkä|selän|kaularanka|rintaranka|"
        "lanneranka|selkäranka|kaula|rinta|rinnat|vatsa|maksa|munuainen|lantio|eturauhanen|sydän|sydämen|hné"
    ),
    "turkish": (
        "diz|dizler|omuz|kalça|dirsek|el bileği|ayak|ayak bileği|parmak|uyluk|bacak|kruris|omurga|boyun|göğüs|"
        "toraks|karın|batın|üst batın|alt batın|abdomen|karaciğer|böbrek|pelvis|pelvik|prostat|meme|lomber|"
        "lumbosakral|servikal|torakal|vertebra|spinal|sakroiliak|kalp|kardiyak|femur|humerus|skrotum|MRKP|"
        "sternum|gövde|Bel MR|El MR"
    ),
    "hungarian": (
        "térd|váll|könyök|csukló|kéz|ujj|lábfej|boka|csípő|lábszár|gerinc|nyaki gerinc|háti gerinc|"
        "ágyéki gerinc|lumbalis gerinc|nyak|mellkas|emlő|hasi|máj|vese|medence|prosztata|szív|kismedence|"
        "SI ízület|alkar|felkar"
    ),
    "romanian": (
        "genunchi|umăr|mână|deget|picior|gleznă|gleznei|șold|șoldului|coapsă|gambă|coloană|coloana cervicală|"
        "coloana lombară|coloana toracală|gât|torace|sâni|abdomen|ficat|rinichi|pelvis|prostată|inimă|bazin|pumn|"
        "RM coloana"
    ),
    "russian, ukrainian, bulgarian": (
        "колено|коленный сустав|плечо|плечевого|локоть|локтевой|запястье|кисть|палец|пальцы|нога|голень|бедро|"
        "бедра|тазобедренный|голеностоп|стопа|пятка|позвоночник|шейный отдел|грудной отдел|поясничный|крестец|"
        "копчик|шея|шеи|грудь|грудная клетка|молочные железы|живот|брюшная полость|печень|почки|почек|"
        "надпочечники|селезенка|поджелудочная железа|желчные|МРХПГ|кишечник|малый таз|таз|предстательной|"
        "простата|матка|сердце|сосуды шеи|мягкие ткани|щитовидная|легкие|ребра|ключица|лопатка|КПС|ПОП|ШОП|ГОП|"
        "коліно|колінного|хребет|хребта|поперековий|плече|плечового|кульшового|черевна порожнина|печінка|нирки|"
        "груди|шия|коляно|гръбнак|гръбначен|рамо|корем|таз|черен дроб|головка бедренной кости|спинной мозг"
    ),
    "south slavic, baltic": (
        "koljeno|koljena|koleno|rame|ramena|kuk|kuka|lakat|šaka|ručni zglob|stopalo|gležanj|skočni zglob|"
        "kralježnica|kralješnica|kičma|kičme|vratna|LS kralježnica|lumbosakralna|trbuh|abdomena|jetra|bubreg|"
        "zdjelica|karlica|dojka|dojke|srce|prostata|vrat|hrbtenica|hrbtenice|rama|kolk|zapestje|gleženj|trebuh|"
        "medenica|dojke|kelis|kelio|petys|peties|stuburas|stuburo|pilvas|pilvo|dubuo|krūtis|čiurna|alkūnė|riešas|"
        "celis|ceļa|plecs|mugurkauls|vēders|iegurnis|põlv|põlve|õlg|lülisammas|kõht|vaagen|puus|hüppeliiges"
    ),
    "greek": (
        "γόνατος|ώμου|αγκώνα|καρπού|χεριού|ποδοκνημικής|άκρου ποδός|ισχίου|σπονδυλικής στήλης|ΑΜΣΣ|ΟΜΣΣ|ΘΜΣΣ|"
        "αυχενικής|θωρακικής|οσφυϊκής|κοιλίας|άνω κοιλίας|πυέλου|ήπατος|νεφρών|μαστών|μαστού|καρδιάς|προστάτη|"
        "τραχήλου|θώρακος|μηρού|κνήμης"
    ),
    "japanese": (
        "膝|右膝関節|肩関節|肘関節|手関節|手指|股関節|足関節|足部|腰椎|頚椎|頸椎|胸椎|脊椎|脊髄|全脊椎|仙腸関節|骨盤|腹部|上腹部|肝臓|胆嚢|胆道|MRCP|膵臓|腎臓|副腎|子宮|卵巣|前立腺|"
        "直腸|乳腺|乳房|心臓|大動脈|頚部|頸部|頸動脈|胸部|縦隔|大腿|下腿|上腕|前腕|下肢|四肢|全身|腰部|咽頭|喉頭|甲状腺|大腿骨頭壊死|咽頭|膵頭部"
    ),
    "chinese": (
        "膝关节|膝關節|肩关节|肘关节|腕关节|髋关节|踝关节|腰椎|颈椎|頸椎|胸椎|脊柱|脊髓|骶髂关节|骶椎|骨盆|盆腔|腹部|上腹部|肝脏|肝胆|胆囊|胰腺|肾脏|肾上腺|脾|子宫|卵巢|前列腺|直肠|乳腺|"
        "心脏|大动脉|主动脉|颈部|頸部|颈动脉|胸部|纵隔|大腿|小腿|上臂|前臂|下肢|四肢|全身|咽喉|甲状腺|肠|股骨头"
    ),
    "korean": (
        "무릎|슬관절|어깨|견관절|팔꿈치|주관절|손목|완관절|고관절|엉덩이|발목|족관절|요추|경추|흉추|척추|천장관절|골반|복부|상복부|담도|췌장|신장|자궁|난소|전립선|직장|유방|심장|대동맥|"
        "경부|흉부|대퇴|전신|종아리|갑상선|대퇴골두"
    ),
    "arabic, hebrew, persian": (
        "الركبة|ركبه|الكتف|المرفق|الرسغ|اليد|الورك|الكاحل|القدم|العمود الفقري|الفقرات القطنية|الفقرات العنقية|"
        "الرقبة|الصدر|الثدي|البطن|الكبد|الكلى|الحوض|البروستاتا|القلب|الفخذ|الساق|ברכיים|ברך שמאל|כתפיים|מרפק|"
        "שורש כף יד|כף יד|ירך|ירכיים|קרסול|כף רגל|עמוד שדרה|ע.ש. מותני|עמש צווארי|מותני|צוואר|חזה|שד|שדיים|"
        "בטן עליונה|כבד|כליות|אגן|ערמונית|לב|زانو|شانه|آرنج|مچ دست|لگن|مچ پا|ستون فقرات|ستون مهره|گردن|کمر|شکم|"
        "سینه|پستان|کبد|کلیه|قلب"
    ),
    "vietnamese, malay, thai, hindi": (
        "khớp gối|khớp vai|khớp háng|cổ chân|cột sống|cột sống thắt lưng|bụng|chậu|ngực|lutut|bahu|panggul|"
        "pergelangan|perut|tulang belakang|dada|payudara|ข้อเข่า|เข่า|ไหล่|กระดูกสันหลัง|ช่องท้อง|ตับ|เต้านม|"
        "อุ้งเชิงกราน|หัวใจ|घुटना|कंधा|रीढ़|पेट|गर्दन|छाती|श्रोणि"
    ),
}
HEAD: Final = (
    "Brain|Head|MR HEAD|MRI BRAIN W WO CONTRAST|Cerebral|Cerebrum|CEREBELLUM|Brainstem|Posterior fossa|"
    "Pituitary gland|Internal auditory|IAM|IAMS|Orbit|Sinuses|Skull base|Circle of Willis|CoW MRA|"
    "Intracranial MRA|Hippocampus|Temporal lobe|Epilepsy head|Trigeminal|Cranial nerves|Kopf|Schädel|Hirn|Gehirn|"
    "Neurokranium|Hypophyse|Kleinhirn|Felsenbein|Orbita|Gesichtsschädel|NNH|KHBW|cMRT|crâne|cérébral|encéphale|"
    "tête|hypophyse|cerveau|TDM cérébral|angio-IRM cérébrale|fosse postérieure|orbites|cráneo|cerebro|cerebral|"
    "encéfalo|cabeza|silla turca|hipófisis|órbitas|encefalo|cranio|cervello|testa|ipofisi|massiccio facciale|"
    "crânio|cérebro|cabeça|sela túrcica|hipófise|hersenen|hoofd|hypofyse|schedel|głowa|głowy|mózg|mózgowia|"
    "przysadki|hlava|mozek|mozku|hypofýza|mozog|mozgu|hjerne|hjärna|huvud|hode|hoved|aivot|pää|pään|beyin|kafa|"
    "kranial|hipofiz|serebral|koponya|agy|agyi|fej|creier|cerebral|craniu|головной мозг|головного мозга|мозок|"
    "головного мозку|мозък|глава|mozak|glava|mozga|endokranij|možgani|možganov|smegenys|smegenų|galva|smadzenes|"
    "εγκέφαλος|εγκεφάλου|κεφαλή|頭部|頭蓋|脳|下垂体|頭|脳血管|颅脑|脑|头颅|頭顱|垂体|大脑|뇌|두부|머리|뇌하수체|الدماغ|الراس|الرأس|المخ|دماغ|מוח|"
    "ראש|מוח ללא|מח|مغز|سر|جمجمه|sọ não|đầu|otak|kepala|สมอง|ศีรษะ|मस्तिष्क|cervell"
)
