namespace KoeMorph.Interop
{
    /// <summary>koemorph_result of koemorph.h.</summary>
    enum Result
    {
        Ok = 0,
        NoFrame = 1,
        BlockReplaced = 2,
        InvalidArgument = -1,
        OutOfMemory = -2,
        FileError = -3,
        RuntimeMissing = -4,
        InvalidModel = -5,
        InferenceFailed = -6,
        InvalidState = -7
    }
}
