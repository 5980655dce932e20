"""Sentences for the synthetic voices, written for KoeMorph under the license of the code.

English is a list of sentences; Japanese and Mandarin are small grammars, which give many different
sentences from a few hundred words.
"""

from __future__ import annotations

from random import Random

_ENGLISH = """
Keep behind me, and don't make a sound until the patrol has passed the bridge.
Buy a pound of butter, a bag of plums, and bring me back some change.
We should move before the moon comes up over the harbour wall.
Who put a purple blanket on my brother's beautiful boat?
Please, please hurry up; the bakery opens at half past five.
I thought the fourth path through the forest was the safest of them all.
Give me five more minutes and I will have the engine running again.
You promised to help Bob paint the barn before the big market on Monday.
Would you rather walk home in the rain or wait for the last bus?
No way! That is the best move I have ever seen anybody pull off.
She sells strange little stones beside the southern shore every summer.
The judge chose a large orange jacket for the children's choir.
My mother knew a man who made maps of places that were never there.
Look out above you! They are climbing over the roof, move, move, move!
Oh, how wonderful, you remembered to bring the old photographs along.
Hmm. Maybe we could open both boxes and compare what is inside.
Five brave explorers vanished from the valley without leaving any evidence.
The whole room smelled of warm bread, wood smoke, and wet wool.
Put the map upon the table, and tell me where the water runs.
Whoever broke the blue bottle ought to apologise to my aunt.
Every week the weaver would weave a wider web of wool and willow.
I am not angry, I am only asking why the door was open all night.
Quick, grab the rope, pull it up, and tie it to the top of the pole.
Our ship leaves the port of Bombay by the middle of February.
Welcome back, captain. The repairs are complete and the crew is waiting.
He hummed a simple melody while mending the broken umbrella.
Are you absolutely sure about that? Because I remember it differently.
The zoo keeper's busy job is to measure the lizards and feed the zebras.
Ah, there you are! Mama was about to phone the police.
Both of my brothers moved to Maple Bay after the mill burned down.
Do not drop the lamp. If the flame goes out, the bats will come back.
You have got to be joking. Nobody pays forty pounds for a pumpkin.
Far above the clouds, a huge white bird was turning in the sun.
May I borrow a pen, a piece of paper, and perhaps a bit of patience?
That azure vision was a mirage, an illusion, a pleasure without measure.
Push the button, step back, and cover both of your ears.
Come on, everybody, the boat is about to go, jump aboard!
I would love to, but my job begins before the museum opens.
Poor Pip was bitten by a bad-tempered pony beside the paddock.
Nothing moves. Nothing breathes. And then, a whisper from the attic.
Thank you for calling. Please hold the line while we find somebody to help you.
Turn left at the church, go past the shops, and stop before the huge gate.
One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve.
Oil the joints, loosen the coil, and avoid pointing it at the boys.
How now? A cow has found its way out of the town and down to the ground floor!
The yellow yacht used to be owned by a young European violinist.
Remember the name, remember the place, and above all remember the time.
""".strip().splitlines()

_JAPANESE = (
    "私は 母は 友達の武田さんは あの先生は 小さな猫が 村の人々は 隣のおばあさんは 部長が "
    "弟と妹は ぼくたちは 若い騎士は 姫は 船長は パン屋さんは みんなは 誰かが",
    "朝早く 公園で 港の近くで 駅前の本屋で 雨の中で 古い部屋の窓から 山のふもとで 夜中に 夕べ "
    "森の奥で 学校の前で 海の上で 三月の終わりに 北の町で 橋の下で 昨日の午後",
    "黒い帽子を 美味しいパンを 不思議な箱を ピアノの音を 古い地図を 青い花を 新しい剣を 冷たい水を "
    "秘密の手紙を 冬の星を 大きな船を 赤いりんごを みかんを百個 梅干しを 白い鳥を ブドウの絵を",
    "見つけました。 運んでいます。 食べてしまったんですよ。 ゆっくり調べましょう。 守ろうとした。 "
    "友達に見せてあげたい。 探しているみたいです。 忘れないでください！ 拾って、兄に渡した。 "
    "待っていたのかもしれない。 買いませんでした。 本当に欲しいの？ 全部作り直すつもりだ。 "
    "描いて、壁に貼りました。 見ながら、静かに歩いた。 思い出して、笑った。",
)
_JAPANESE_LINES = """
おはようございます。今日もよろしくお願いします。
えっ、本当？それはびっくりだね。
気をつけて、敵が近くにいるぞ！
もしもし、聞こえますか。
ありがとう、君のおかげで助かったよ。
ふふふ、面白いことを言うのね。
ちょっと待って、まだ準備ができていないの。
あああ、もう間に合わない！
申し訳ありませんが、少々お待ちください。
うん、わかった、やってみる。
早く逃げろ、爆発するぞ！
生麦生米生卵、赤巻紙青巻紙黄巻紙。
"""
_MANDARIN = (
    "我 你妈妈 那个老师 我们的朋友 小王 他爷爷 隔壁的姑娘 船长 村里的人 我哥哥 勇敢的骑士 公主",
    "每天早上 昨天晚上 在公园里 在火车站旁边 下雨的时候 去年冬天 在北方的山上 "
    "在学校门口 坐在窗户边 在海边",
    "买了五个苹果 写了一封很长的信 跑步跑了半个小时 看见一只白色的鸟 把那本书还给了图书馆 "
    "喝了一杯热茶 跟爸爸一起包饺子 慢慢地打开了那个箱子 听见有人在唱歌 学会了骑自行车 "
    "画了一幅非常漂亮的画 发现了一张破旧的地图 不知道应该怎么办 等了我们三个多月",
    "，然后就回家了。 ，可是没有人相信。 ，你说奇怪不奇怪？ ，真是太好了！ ，心里特别高兴。 "
    "，不过还是忘了名字。 ，后来我们都笑了。 ，所以请你帮帮忙。",
)


def english(rng: Random, more: tuple[str, ...] = ()) -> str:
    """Draw an English sentence.

    Args:
        rng: draws it.
        more: sentences to draw from as well.
    """
    return rng.choice((*_ENGLISH, *more))


def japanese(rng: Random) -> str:
    """Draw a Japanese sentence of the grammar or, one time in six, a line of dialogue.

    Args:
        rng: draws it.
    """
    if rng.random() < 1 / 6:
        return rng.choice(_JAPANESE_LINES.split())
    return "".join(rng.choice(words.split()) for words in _JAPANESE)


def mandarin(rng: Random) -> str:
    """Draw a Mandarin sentence of the grammar.

    Args:
        rng: draws it.
    """
    return "".join(rng.choice(words.split()) for words in _MANDARIN)
