// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Channels;

/// <summary>The short way between two processes of one host: a file is a channel.</summary>
/// <remarks>
/// Everything else (other kinds, many channels in one file, windows of a fabric) goes through <see cref="ChannelArea"/>. The file's permissions say who may take part; whoever may write it
/// can also cut it short, which ends the others' sessions (and, on other processors than x86-64, the others: SIGBUS). Processes that do not trust each other so far meet on a fabric, whose memory is sealed.
/// </remarks>
public static class Channel
{
    /// <summary>The name of the one channel of a file that <see cref="Create"/> made.</summary>
    public const string DefaultName = "channel";

    private const uint OwnerOnly = 0x180;   // 0600

    /// <summary>Makes a ring of messages, or finds it, and takes its sending end.</summary>
    /// <param name="path">The file; in /run or /dev/shm, for it is memory.</param>
    /// <param name="capacityBytes">Bytes that can be on their way: a power of two, 256 to 1 GiB.</param>
    /// <param name="options">How the end waits; null for the defaults.</param>
    /// <returns>The end; it goes on where a dead predecessor was. Dispose it to close it; the last to leave an empty channel removes the file.</returns>
    /// <exception cref="ArgumentException">No ring has that capacity; no file was made.</exception>
    /// <exception cref="ChannelException">A living process holds that end, or the file is a channel of another shape, or holds something else, which is left as it is.</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static RingProducer Create(string path, int capacityBytes = 1 << 20, EndOptions? options = null) =>
        Open(path, capacityBytes, area => area.OpenProducer(DefaultName, options));

    /// <summary>Finds a ring of messages and takes its receiving end.</summary>
    /// <inheritdoc cref="Create"/>
    /// <exception cref="ChannelException">There is no such channel, or a living process holds that end.</exception>
    public static RingConsumer Open(string path, EndOptions? options = null) => Open(path, null, area => area.OpenConsumer(DefaultName, options));

    /// <summary>Makes a ring of messages, or finds it, and takes its receiving end.</summary>
    /// <inheritdoc cref="Create"/>
    public static RingConsumer CreateConsumer(string path, int capacityBytes = 1 << 20, EndOptions? options = null) =>
        Open(path, capacityBytes, area => area.OpenConsumer(DefaultName, options));

    /// <summary>Finds a ring of messages and takes its sending end.</summary>
    /// <inheritdoc cref="Open(string, EndOptions?)"/>
    public static RingProducer OpenProducer(string path, EndOptions? options = null) => Open(path, null, area => area.OpenProducer(DefaultName, options));

    /// <summary>Opens a file of many channels, and makes it where it is not there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sizeBytes">Its size if it is made, directory included; 0: it must be there.</param>
    /// <param name="options">The area's settings; null for the defaults.</param>
    /// <param name="mode">Permission bits of a file made here, before the umask.</param>
    /// <exception cref="ArgumentException">The size is too small for a directory and one channel, or the settings have problems.</exception>
    /// <exception cref="ChannelException">It is not there, it holds something else (and is left as it is), or it belongs to processes of another PID namespace.</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static ChannelArea OpenArea(string path, long sizeBytes = 0, ChannelAreaOptions? options = null, uint mode = OwnerOnly)
    {
        options = (options ?? new()) with { Creates = sizeBytes > 0 };
        long least = options.OffsetBytes + AreaLayout.HeapStart(options.Parties, options.Entries) + AreaLayout.HeapGranule;
        if (sizeBytes != 0 && sizeBytes < least)
            throw new ArgumentOutOfRangeException(nameof(sizeBytes), sizeBytes, $"A file for {options.Entries} channels and {options.Parties} parties has at least {least} bytes; {sizeBytes} are too few.");
        return ChannelFile.Open(path, sizeBytes, options, mode);
    }

    /// <summary>How large a file is that holds one channel.</summary>
    /// <param name="spec">The channel's shape.</param>
    /// <param name="options">The area's settings; null for the defaults.</param>
    /// <returns>Bytes, the directory included.</returns>
    public static long AreaBytes(ChannelSpec spec, ChannelAreaOptions? options = null)
    {
        options ??= new();
        return AreaLayout.HeapStart(options.Parties, options.Entries) + AreaLayout.RoundUp(ChannelLayout.BlockBytes(spec.EndsBehindHub, spec.Rings, spec.CapacityBytes), AreaLayout.HeapGranule);
    }

    // A capacity: the channel is made where it is not there.
    private static TEnd Open<TEnd>(string path, int? capacityBytes, Func<ChannelArea, TEnd> take) where TEnd : ChannelEnd
    {
        ChannelSpec? made = capacityBytes is { } capacity ? new() { CapacityBytes = capacity } : null;
        if (made?.Problems().FirstOrDefault() is { } problem) throw new ArgumentException(problem, nameof(capacityBytes));
        ChannelAreaOptions options = new() { Entries = 1, Parties = 0, Creates = made is not null };
        ChannelArea area = ChannelFile.Open(path, made is null ? 0 : AreaBytes(made, options), options, OwnerOnly);
        try
        {
            if (made is not null) _ = area.Create(DefaultName, made);
            TEnd end = take(area);
            end.OwnsArea = true;
            return end;
        }
        catch
        {
            area.Dispose();
            throw;
        }
    }
}
