using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("KoeMorph.Editor")]
[assembly: InternalsVisibleTo("KoeMorph.Microphone")]
[assembly: InternalsVisibleTo("KoeMorph.Tests")]
