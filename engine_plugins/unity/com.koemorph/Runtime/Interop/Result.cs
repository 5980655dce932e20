namespace KoeMorph.Interop
{
    /// <summary>koemorph_result of koemorph.h.</summary>
    enum Result
    {
        Ok = 0,
        NoFrame = 1,
        InvalidArgument = -1,
        OutOfMemory = -2,
        FileError = -3,
        RuntimeMissing = -4,
        ModelInvalid = -5,
        InferenceFailed = -6,
        WrongState = -7
    }
}
