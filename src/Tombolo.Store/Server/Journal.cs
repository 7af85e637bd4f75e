// SPDX-License-Identifier: MIT
using System.Numerics;
using System.Runtime.InteropServices;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Store;

/// <summary>What was changed, in order, in a mapped file: what is in the mapping survives this process, whenever it is killed.</summary>
/// <remarks>
/// <code>
/// 0: magic "TTBJRN01" | 8: version u32 = 1 | 12: zero | 16: epoch u64 | 24: end of what it began with u64 | 32..63: zero
/// then records, each at a multiple of 8: length u32 | checksum u32 (CRC-32C of the epoch, the length and the entries) | entries, JournalWriter
/// </code>
/// A length of 0, or a checksum that is not right, is the end: a record that its writer did not finish was not answered either. The file does not grow: a full one is written
/// anew, shorter, with the next epoch, and put in its place by a rename. Power loss is another matter: what the kernel had not written then is lost.
/// </remarks>
internal sealed class Journal : IDisposable
{
    /// <summary>Where the first record is.</summary>
    public const int HeaderBytes = 64;

    private const ulong Magic = 0x31304E524A425454;   // "TTBJRN01"
    private const uint Version = 1;
    private readonly Window _window;

    private Journal(SafeFd fd, long capacity, ulong epoch, string? path)
    {
        Descriptor = fd;
        Epoch = epoch;
        Path = path;
        Tail = HeaderBytes;
        _window = Window.Map(fd, capacity);
    }

    /// <summary>The file, owned.</summary>
    public SafeFd Descriptor { get; }

    public string? Path { get; }

    public ulong Epoch { get; }

    /// <summary>Where the next record goes.</summary>
    public long Tail { get; private set; }

    public long CapacityBytes => _window.LengthBytes;

    /// <summary>Makes an empty journal; nobody finds it before <see cref="Publish"/>.</summary>
    /// <param name="path">Its file's final path; null for memory alone.</param>
    /// <param name="capacity">How much it holds.</param>
    /// <param name="epoch">One more than its predecessor's.</param>
    /// <exception cref="LinuxException">No room on the disk, and the like. Nothing is left.</exception>
    public static Journal Create(string? path, long capacity, ulong epoch)
    {
        SafeFd fd;
        if (path is null) fd = Memfd.Create("tombolo-journal", capacity);
        else
        {
            File.Delete(Fresh(path));
            fd = SharedFile.Open(Fresh(path), create: true, mustBeNew: true);
        }
        try
        {
            SharedFile.Reserve(fd, capacity);
            Journal journal = new(fd, capacity, epoch, path);
            Span<byte> header = journal._window.Own(0, HeaderBytes);
            MemoryMarshal.Write(header[8..], Version);
            MemoryMarshal.Write(header[16..], epoch);
            return journal;
        }
        catch
        {
            fd.Dispose();
            if (path is not null) File.Delete(Fresh(path));
            throw;
        }
    }

    /// <summary>What was written so far is what the journal begins with: from now on it counts, and a file has taken its place.</summary>
    public void Publish()
    {
        Span<byte> header = _window.Own(0, HeaderBytes);
        MemoryMarshal.Write(header[24..], Tail);
        Volatile.Write(ref MemoryMarshal.AsRef<ulong>(header), Magic);
        if (Path is not null) File.Move(Fresh(Path), Path, overwrite: true);
    }

    /// <summary>Whether a record of so many bytes of entries fits.</summary>
    public bool Fits(long bytes) => Tail + Needed(bytes) <= CapacityBytes;

    /// <summary>Bytes that a record takes.</summary>
    public static long Needed(long bytes) => (8 + bytes + 7) & ~7L;

    /// <summary>Adds a record, which fits.</summary>
    public void Append(ReadOnlySpan<byte> entries)
    {
        Span<byte> record = _window.Own(Tail, (int)Needed(entries.Length));
        entries.CopyTo(record[8..]);
        MemoryMarshal.Write(record[4..], Sum(Epoch, entries));
        // ORDER: release; the entries and their sum before the length that makes them a record.  PAIRS WITH: TryRead, after this process died.
        Volatile.Write(ref MemoryMarshal.AsRef<int>(record), entries.Length);
        Tail += record.Length;
    }

    /// <summary>Reads a journal.</summary>
    /// <param name="fd">Its file, borrowed.</param>
    /// <param name="limit">Read no further, for a given epoch; null: to the end.</param>
    /// <param name="reader">Hears the entries.</param>
    /// <param name="epoch">The journal's.</param>
    /// <returns>Null where all is well, or what is wrong, the rest of a sentence.</returns>
    public static string? TryRead(SafeFd fd, (ulong Epoch, long Tail)? limit, IJournalReader reader, out ulong epoch)
    {
        epoch = 0;
        long size = SharedFile.SizeOf(fd);
        if (size < HeaderBytes) return $"has {size} bytes, which is no journal";
        using Window window = Window.Map(fd, writable: false);
        ReadOnlySpan<byte> header = window.Own(0, HeaderBytes);
        if (MemoryMarshal.Read<ulong>(header) != Magic) return "does not begin as a journal does";
        if (MemoryMarshal.Read<uint>(header[8..]) != Version) return $"is of version {MemoryMarshal.Read<uint>(header[8..])}; this program reads version {Version}";
        epoch = MemoryMarshal.Read<ulong>(header[16..]);
        long begun = MemoryMarshal.Read<long>(header[24..]);
        long end = limit is { } known && known.Epoch == epoch ? Math.Min(size, known.Tail) : size;
        long at = HeaderBytes;
        while (at + 8 <= end)
        {
            int length = MemoryMarshal.Read<int>(window.Own(at, 4));
            if (length <= 0 || length > end - at - 8) break;
            ReadOnlySpan<byte> entries = window.Own(at + 8, length);
            if (Sum(epoch, entries) != MemoryMarshal.Read<uint>(window.Own(at + 4, 4))) break;
            if (!JournalEntries.TryRead(entries, reader)) return $"has an entry at byte {at} that this version does not know";
            at += Needed(length);
        }
        return at >= begun ? null : $"is damaged at byte {at}, before what it began with was complete";
    }

    public void Dispose()
    {
        _window.Dispose();
        Descriptor.Dispose();
    }

    private static string Fresh(string path) => path + ".new";

    private static uint Sum(ulong epoch, ReadOnlySpan<byte> entries)
    {
        uint sum = BitOperations.Crc32C(BitOperations.Crc32C(uint.MaxValue, epoch), (uint)entries.Length);
        while (entries.Length >= 8)
        {
            sum = BitOperations.Crc32C(sum, MemoryMarshal.Read<ulong>(entries));
            entries = entries[8..];
        }
        foreach (byte one in entries) sum = BitOperations.Crc32C(sum, one);
        return ~sum;
    }
}
