// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>How a port is captured. Immutable.</summary>
public sealed record CaptureOptions
{
    /// <summary>How many bytes of each frame are kept. 14..65557, default all.</summary>
    public int SnapBytes { get; init; } = Frame.MaxBytes;

    /// <summary>How many bytes of frames may wait to be written; more are dropped and counted. 131072..1073741824, a multiple of 8; default 8 MiB.</summary>
    public int BufferBytes { get; init; } = 8 << 20;

    /// <summary>What is wrong with these settings; nothing where they are good.</summary>
    public IEnumerable<string> Problems()
    {
        if (SnapBytes is < Frame.HeadBytes or > Frame.MaxBytes) yield return $"SnapBytes is {SnapBytes}; it must be {Frame.HeadBytes} to {Frame.MaxBytes}.";
        if (BufferBytes is < 1 << 17 or > 1 << 30 || BufferBytes % 8 != 0) yield return $"BufferBytes is {BufferBytes}; it must be {1 << 17} to {1 << 30}, a multiple of 8.";
    }
}
