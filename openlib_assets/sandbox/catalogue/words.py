"""The vocabulary that generated works are made of. Data only."""

NOUNS = {
    "eng": "Star Sea Night House Road Garden Winter River City Shadow King Child "
    "Wind Machine Island Forest Dream War Mirror Letter Stone Bird Fire Door",
    "fre": "Étoile Mer Nuit Maison Route Jardin Hiver Rivière Ville Ombre Roi Enfant "
    "Vent Machine Île Forêt Rêve Guerre Miroir Lettre Pierre Oiseau Feu Porte",
    "ger": "Stern Meer Nacht Haus Straße Garten Winter Fluss Stadt Schatten König Kind "
    "Wind Maschine Insel Wald Traum Krieg Spiegel Brief Stein Vogel Feuer Tür",
    "spa": "Estrella Mar Noche Casa Camino Jardín Invierno Río Ciudad Sombra Rey Niño "
    "Viento Máquina Isla Bosque Sueño Guerra Espejo Carta Piedra Pájaro Fuego Puerta",
    "rus": "Звезда Море Ночь Дом Дорога Сад Зима Река Город Тень Король Ребёнок "
    "Ветер Машина Остров Лес Сон Война Зеркало Письмо Камень Птица Огонь Дверь",
    "chi": "星 海 夜 家 路 花园 冬天 河 城市 影子 国王 孩子 风 机器 岛 森林 梦 战争 镜子 信 石头 鸟 火 门",
    "ara": "نجمة بحر ليل بيت طريق حديقة شتاء نهر مدينة ظل ملك طفل "
    "ريح آلة جزيرة غابة حلم حرب مرآة رسالة حجر طائر نار باب",
    "gre": "Άστρο Θάλασσα Νύχτα Σπίτι Δρόμος Κήπος Χειμώνας Ποτάμι Πόλη Σκιά Βασιλιάς Παιδί "
    "Άνεμος Μηχανή Νησί Δάσος Όνειρο Πόλεμος Καθρέφτης Γράμμα Πέτρα Πουλί Φωτιά Πόρτα",
}

# The four shapes a title has; a translation keeps its shape.
TITLE_SHAPES = {
    "eng": ("The {0}", "The {0} and the {1}", "{0} of {2}", "The {0} in {2}, volume {3}"),
    "fre": ("{0}", "{0} et {1}", "{0} de {2}", "{0} à {2}, tome {3}"),
    "ger": ("{0}", "{0} und {1}", "{0} von {2}", "{0} in {2}, Band {3}"),
    "spa": ("{0}", "{0} y {1}", "{0} de {2}", "{0} en {2}, tomo {3}"),
    "rus": ("{0}", "{0} и {1}", "{0}: {2}", "{0}. {2}, том {3}"),
    "chi": ("{0}", "{0}与{1}", "{2}的{0}", "{2}的{0}·第{3}卷"),
    "ara": ("{0}", "{0} و{1}", "{0} {2}", "{0} {2}، الجزء {3}"),
    "gre": ("{0}", "{0} και {1}", "{0}: {2}", "{0}. {2}, τόμος {3}"),
}

# What people type into a title field. One in 25 works gets one of these.
MESSY_TITLES = (
    "={}",
    "+{}",
    "-{}",
    "@{}",
    '=HYPERLINK("http://example.com/","{}")',
    '"{}"',
    '{}, "or", the rest',
    "{}\nA second line",
    "{}\tafter a tab",
    "{}\r\nafter a Windows line end",
    " {} ",
    "{} <script>alert('x')</script>",
    "{} &amp; {} <b>bold</b>",
    "{} 🚀📚",
    "👩\u200d🚀 {}",
    "{} | {}",
    "{}; {}",
    "'{}'",
    "{} \\ {}",
    "{} \u00e9tude",
    "{} e\u0301tude",
    "\u202e{}\u202c",
    "\ufeff{}",
    "{} \u2014 100 % #1?",
    "__None__",
    "__None__",
    "{}\ud800",
)

# Where other titles of the same work begin differently: with an article, or without.
ARTICLES = {
    "eng": ("The ", "A "),
    "fre": ("Le ", "La ", "L'"),
    "ger": ("Der ", "Die ", "Das "),
    "spa": ("El ", "La "),
    "gre": ("Ο ", "Η ", "Το "),
}

# What stands behind the title of the same work elsewhere.
SUBTITLES = (": a novel", " : a novel", " (Large print)", "; a story", ": and other stories", ": complete edition")

FIRST_NAMES = (
    "Ursula Isaac Octavia Jules Mary Stanisław Arthur Doris Philip Ray Connie Samuel Anne Iain Nalo Kim Lois Robert "
    "Margaret Vernor Joanna William Alice Björn Zoë José Nnedi Amélie Ágnes Øyvind Şebnem Đorđe Peter Hannah Louis "
    "Marie-Claire Otto Irène Tomás Lucía Giovanni Chiara Erik Astrid Jan Zofia Václav Božena Ion Ana Emre Leyla Kofi "
    "Ama Juan Carmen Walter Ruth J.R. H.G. C.S. E."
)
# Surnames that are more than one plain word.
AWKWARD_LAST_NAMES = (
    "Le Guin",
    "O'Brien",
    "McCaffrey",
    "Sheldon-Ray",
    "van der Berg",
    "de la Cruz, Jr.",
    "Fitz;Gerald",
    "Ångström",
    "Smith",
)
LAST_NAME_STEMS = (
    "Al Ash Bar Bell Ber Blom Bran Bux Cal Car Clark Col Cran Dal Dan Del Dick Dor Dun Ed El Fair Fal Far Fen Gar Gib "
    "Gil Grü Had Hal Har Hein Hel Hol Hop Jan Kar Kel Kirch Kön Lang Lem Les Lind Löf Lun Mac Mal Mar Mel Mor Mun Nor "
    "Oak Ols Pen Pet Ran Red Rob Rosen Rus Sal Schön Shel Sil Stan Stein Sten Tal Thor Tor Ul Vern Vin Wal Wes Wil Yar"
)
LAST_NAME_ENDINGS = (
    "am berg berry bourne bridge burn by croft dahl den der dorf dottir field ford gate grave ham hart heim holm "
    "hurst ing ington ley lin lock man mann mark mond mont more ová quist röd ski son stad stead ström ton vić ward "
    "well wood worth"
)
# In other scripts: first names, the two parts that last names are made of, and what stands between the names.
SCRIPTS = (
    (
        "Аркадий Анна Борис Вера Виктор Галина Дмитрий Елена Иван Ирина Лев Мария Михаил Наталья Ольга Пётр Сергей",
        "Ахмат Бел Волк Голуб Дан Ерм Жук Зайц Иван Козл Лебед Мороз Никит Орл Павл Род Стругац Тихон Фёдор Щерб",
        "енко ов ский ин ович юк",
        " ",
    ),
    (
        "Νίκος Μαρία Γιώργος Ελένη Κώστας Άννα Δημήτρης Σοφία Οδυσσέας Ζωή Θανάσης Ειρήνη Πέτρος Χριστίνα Αλέξανδρος",
        "Καζαντζ Παπαδ Σεφερ Ελυτ Ρίτσ Μυριβ Θεοτοκ Βενεζ Αλεξ Δημητρ Κωνσταντ Νικολ Γεωργ Σταμ Χατζ",
        "άκης όπουλος ίδης έας ούλης ιάδης",
        " ",
    ),
    (
        "نجيب طه أحلام غسان إميل حنان جبران يوسف سعد نوال صالح مريم علي زينب خالد",
        "محفوظ حسين مستغانمي كنفاني حبيبي الشيخ خليل إدريس ونوس السعداوي الطيب منيف درويش القاسم البرغوثي",
        "ي اني وي ية",
        " ",
    ),
    (
        "刘 王 李 张 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗",
        "慈 晓 建 文 国 志 海 永 春 明 德 玉 金 秀 红 光 天 世 家 少",
        "欣 华 平 军 英 民 强 云 波 辉 芳 兰 生 龙 超 勇 涛 伟 梅 林",
        "",
    ),
)
# Names of all kinds that many have, or nobody.
SHARED_NAMES = (
    "[英]阿道司·赫胥黎",
    "村上春樹",
    "小松左京",
    "אתגר קרת",
    "한강",
    "रवीन्द्रनाथ ठाकुर",
    "ภาณุ ตรัยเวช",
    "E\u0301mile Zola\u0308",
    "Various",
    "Anonymous",
    "🚀 Rocket Press",
)

PLACES = (
    "London",
    "Paris",
    "New York (N.Y.)",
    "Prague",
    "Lagos",
    "Kyōto",
    "São Paulo",
    "Mars",
    "England",
    "Moscow",
    "Istanbul",
    "Venice",
    "Mexico",
    "Delhi",
    "Cairo",
    "Oz (Imaginary place)",
)
PEOPLE = (
    "Sherlock Holmes",
    "Alice (Fictitious character)",
    "Napoleon I, Emperor of the French (1769-1821)",
    "Ada Lovelace",
    "Count Dracula",
    "Harry Potter",
    "Jane Jacobs (1916-2006)",
    "Don Quixote",
)
TIMES = (
    "20th century",
    "19th century",
    "1939-1945",
    "To 70 A.D.",
    "Middle Ages, 600-1500",
    "21st century",
    "1789-1815",
    "Victoria, 1837-1901",
)
SUBJECTS = (
    "Fiction",
    "fiction",
    "FICTION / General",
    "Fiction, general",
    "Fiction, science fiction, general",
    "Science fiction",
    "Science Fiction",
    "science fiction",
    "Fantasy",
    "Fantasy fiction",
    "History and criticism",
    "History",
    "Juvenile fiction",
    "Children's stories, English",
    "Children's fiction",
    "Love",
    "love",
    "Love stories",
    "Man-woman relationships, fiction",
    "Large type books",
    "American literature",
    "English literature",
    "Literatura inglesa",
    "Roman américain",
    "Romans, nouvelles, etc. pour la jeunesse",
    "Théâtre (Genre littéraire)",
    "Theatre (Genre litteraire)",
    "Ouvrages pour la jeunesse",
    "Ciencia-ficción",
    "Geschichte",
    "Научная фантастика",
    "Tong hua",
    "科学小说",
    "Adventure stories",
    "Detective and mystery stories",
    "Extraterrestrial beings",
    "Interplanetary voyages",
    "Time travel in fiction",
    "Dystopias",
    "Utopias,  fiction",
    "Cooking",
    "Physics",
    "Mathematics",
    "Philosophy",
    "Open Library Staff Picks",
    "nyt:chapter-books=2010-02-21",
    "Protected DAISY",
    "In library",
    "Accessible book",
    "C++ (Computer program language)",
    "Translations into Polish",
    "New York Times bestseller",
    "Long Now Manual for Civilization",
    "collectionID:EanesChallenge",
)
# In an index: the database holds half a character there.
BROKEN_SUBJECTS = ("Fiction\ufffd", "Po\ufffdsie")
PUBLISHERS = (
    "Penguin",
    "Penguin Books",
    "HarperCollins",
    "Gallimard",
    "Suhrkamp",
    "Tor Books",
    "Gollancz",
    "Independently Published",
    "CreateSpace",
    "Sine nomine",
    "Mir",
    "Aleph",
    "Doubleday",
    "Ace Books",
    "Oxford University Press",
    "Libri/Books",
)
COLLECTIONS = (
    "americana",
    "binghamton-ol",
    "dartmouthlibrary-ol",
    "denverpubliclibrary-ol",
    "inlibrary",
    "internetarchivebooks",
    "printdisabled",
    "rochester-ol",
    "uni-ol",
    "universityofoklahoma-ol",
)
