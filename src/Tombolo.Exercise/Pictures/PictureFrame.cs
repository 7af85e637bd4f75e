// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Exercise;

/// <summary>Where a picture lies in a region's data, for those who draw it and those who look.</summary>
/// <remarks>
/// Frames are numbered from 1. The painter fills the buffer that nobody was told of, then counts on and signals the count; so who copies a frame and finds the count one further at the most has it whole.
/// <code>0: number of the newest frame u32 (signalled) | 4: width u32 | 8: height u32 | 64: frame with an even number, width * height * 3 bytes RGB | then: frame with an odd number</code>
/// </remarks>
internal readonly record struct PictureFrame(uint Width, uint Height)
{
    public const int NumberAt = 0, WidthAt = 4, HeightAt = 8, FirstAt = 64;
    private const uint MostPixels = 4096;

    public int Bytes => (int)(Width * Height * 3);

    public int At(uint number) => FirstAt + ((number & 1) == 0 ? 0 : Bytes);

    /// <summary>What the painter wrote of its size, copied once; false where it cannot be, or does not fit.</summary>
    public static bool TryRead(SharedView data, out PictureFrame frame)
    {
        frame = default;
        if (data.LengthBytes < FirstAt) return false;
        frame = new(data.ReadAcquire32(WidthAt), data.ReadAcquire32(HeightAt));
        return frame.Fits(data.LengthBytes);
    }

    /// <summary>Whether two frames of this size have room.</summary>
    public bool Fits(long dataBytes) => Width is > 0 and <= MostPixels && Height is > 0 and <= MostPixels && FirstAt + (2L * Bytes) <= dataBytes;

    public void Write(SharedView data)
    {
        data.WriteRelease32(WidthAt, Width);
        data.WriteRelease32(HeightAt, Height);
    }
}
