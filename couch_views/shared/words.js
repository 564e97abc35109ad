function words(names) {
    // The distinct words of names, folded: in lower case, without accents and punctuation, each from its start and
    // from each of its parts on. storage/folding.py does the same with what is searched for. Names that are not text
    // have none. The letters are listed since CouchDB's engines can't normalize text.
    var bases = {
        'a': 'àáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ',
        'ae': 'æǣǽ',
        'b': 'ḃḅḇ',
        'c': 'çćĉċčḉ',
        'd': 'ðďđḋḍḏḑḓ',
        'e': 'èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ',
        'f': 'ḟ',
        'g': 'ĝğġģǧǵḡ',
        'h': 'ĥħȟḣḥḧḩḫẖ',
        'i': 'ìíîïĩīĭįıǐȉȋḭḯỉị',
        'j': 'ĵǰ',
        'k': 'ķǩḱḳḵ',
        'l': 'ĺļľłḷḹḻḽ',
        'm': 'ḿṁṃ',
        'n': 'ñńņňǹṅṇṉṋ',
        'o': 'òóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ',
        'oe': 'œ',
        'p': 'ṕṗ',
        'r': 'ŕŗřȑȓṙṛṝṟ',
        's': 'śŝşšșṡṣṥṧṩ',
        'ss': 'ß',
        't': 'ţťțṫṭṯṱẗ',
        'th': 'þ',
        'u': 'ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự',
        'v': 'ṽṿ',
        'w': 'ŵẁẃẅẇẉẘ',
        'x': 'ẋẍ',
        'y': 'ýÿŷȳẏẙỳỵỷỹ',
        'z': 'źżžẑẓẕ',
        'ſ': 'ẛ',
        'ʒ': 'ǯ',
        'ʹ': 'ʹ',
        'α': 'άἀἁἂἃἄἅἆἇὰάᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ',
        'ε': 'έἐἑἒἓἔἕὲέ',
        'η': 'ήἠἡἢἣἤἥἦἧὴήᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ',
        'ι': 'ΐίϊἰἱἲἳἴἵἶἷὶίιῐῑῒΐῖῗ',
        'ο': 'όὀὁὂὃὄὅὸό',
        'ρ': 'ῤῥ',
        'σ': 'ς',
        'υ': 'ΰϋύὐὑὒὓὔὕὖὗὺύῠῡῢΰῦῧ',
        'ω': 'ώὠὡὢὣὤὥὦὧὼώᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ',
        'ϒ': 'ϓϔ',
        'а': 'ӑӓ',
        'г': 'ѓ',
        'е': 'ѐёӗ',
        'ж': 'ӂӝ',
        'з': 'ӟ',
        'и': 'йѝӣӥ',
        'к': 'ќ',
        'о': 'ӧ',
        'у': 'ўӯӱӳ',
        'ч': 'ӵ',
        'ы': 'ӹ',
        'э': 'ӭ',
        'і': 'ї',
        'ѵ': 'ѷ',
        'ә': 'ӛ',
        'ө': 'ӫ'
    };
    var letters = {}, distinct = {};
    Object.keys(bases).forEach(function (base) {
        bases[base].split('').forEach(function (letter) {
            letters[letter] = base;
        });
    });
    function fold(text) {
        var narrow = text.replace(/[\uff01-\uff5e]/g, function (wide) {
            return String.fromCharCode(wide.charCodeAt(0) - 0xfee0);
        });
        return narrow.toLowerCase().replace(/[\u0300-\u036f]/g, '').replace(/[\u00c0-\u1fff]/g, function (letter) {
            return letters[letter] || letter;
        });
    }
    names.forEach(function (name) {
        if (typeof name !== 'string') {
            return;
        }
        fold(name.slice(0, 1000)).split(/\s+/).forEach(function (chunk) {
            var parts = chunk.split(/[!-\/:-@\[-`{-~\u0080-\u00bf\u2000-\u206f\u3000-\u303f]+/).filter(Boolean);
            for (var start = 0; start < parts.length; start++) {
                distinct['=' + parts.slice(start).join('').slice(0, 100)] = true;
            }
        });
    });
    return Object.keys(distinct).map(function (key) {
        return key.slice(1);
    });
}
