package name

// Words that are friendly in every combination. One string each, because a slice
// of strings is written to when the program is loaded, which every process would pay for.

const adjectives = "able agile airy alert amber ample apt arctic ardent autumn azure balmy bold brave breezy bright " +
	"brisk bronze bubbly calm candid careful casual cheery civil clean clear clever coastal comfy cool " +
	"copper coral cordial cosmic cosy crisp curious dapper daring dear deft dewy dreamy eager early " +
	"earnest elegant fabled fair famous fancy fearless festive fine fleet floral fluent fond frank free " +
	"fresh frosty gentle giddy gilded glad golden good graceful grand grateful handy happy hardy hazel " +
	"hearty helpful honest hopeful humble ideal indigo ivory jaunty jolly jovial joyful jubilant keen " +
	"kind kindly lively loyal lucid lucky lunar magic mellow merry mighty mild misty modest mossy neat " +
	"nimble noble patient peachy placid playful plucky polite prime proud quaint quick quiet rapid ready " +
	"regal rosy rustic safe sandy serene shiny silver simple smart smooth snowy snug solar sonic speedy " +
	"spry steady stellar stout sturdy sunny superb sweet swift tactful tender thrifty tidy trim true " +
	"trusty upbeat valiant velvet vivid warm winged wise witty worthy zesty"

const nouns = "acorn alder almond alpaca amulet anchor apple apricot arbor aspen aster atlas aurora badger bamboo " +
	"banjo basil bay beacon beaver beech birch bison bluebird bonsai breeze bridge brook cactus canal " +
	"canoe canyon caravan cardinal caribou castle cedar cello cherry chestnut cicada cloud clover comet " +
	"compass condor cove crane creek cricket crocus curlew cypress dahlia daisy dolphin dove dragon dune " +
	"eagle elk elm ember falcon fern ferry finch fir fjord flute forest fox galaxy garden garnet gazelle " +
	"gecko geyser ginger glacier glade grove gull hamlet harbor harp hawk heather heron hill holly ibex " +
	"ibis iris island ivy jasmine jay juniper kayak kestrel kite koala lagoon lake lantern larch lark " +
	"lemon lemur lilac lily linden llama lotus lynx magnolia magpie mango maple marble marmot marten " +
	"meadow melon meteor mimosa mole moose moss myrtle narwhal nebula nutmeg oak oasis ocean olive opal " +
	"orchard orchid oriole osprey otter owl panda pansy parrot peach pebble pelican penguin peony pepper " +
	"petrel pine planet plover plum pond poplar poppy prairie puffin quail quartz quince rabbit raven " +
	"reef reindeer river robin rocket rose saffron sage salmon seal sequoia shore sparrow spruce squirrel " +
	"star starling stork swallow swan tamarind teal thistle thrush thyme tiger toucan tulip tundra turtle " +
	"valley violet walnut warbler willow wombat wren yarrow zebra zinnia"
