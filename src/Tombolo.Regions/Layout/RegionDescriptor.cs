// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Text;
using Tombolo.Wire;

namespace Tombolo.Regions;

/// <summary>One region as the window's table tells it, and as the guest's DESCRIBE_REGION gives it.</summary>
/// <remarks>
/// Source: vsoc_shm.h, struct vsoc_device_region. Little-endian, 60 bytes.
/// <code>
///  0: current version u16, oldest compatible version u16 | 4: begin u32 | 8: end u32 | 12: offset of the data u32
/// 16: guest-to-host signal table | 28: host-to-guest signal table | 40: name, 16 bytes, NUL-terminated | 56: index of the managing region u32, 0 = none
/// </code>
/// </remarks>
/// <param name="CurrentVersion">The version of what is in the region.</param>
/// <param name="OldestVersion">The oldest version that its user may speak.</param>
/// <param name="BeginOffset">Where it begins in the window; a multiple of the page size.</param>
/// <param name="EndOffset">One past its last byte in the window; a multiple of the page size.</param>
/// <param name="DataOffset">Where its data begins, in bytes from its begin.</param>
/// <param name="GuestToHost">The table into which the guest writes.</param>
/// <param name="HostToGuest">The table into which the host writes.</param>
/// <param name="Name">At most 15 characters of ASCII.</param>
/// <param name="ManagedBy">Index of the region that manages it; 0: none, whoever opens it has all of it.</param>
public readonly record struct RegionDescriptor(
    ushort CurrentVersion, ushort OldestVersion, uint BeginOffset, uint EndOffset, uint DataOffset, SignalTable GuestToHost, SignalTable HostToGuest, string Name, uint ManagedBy) : IWire<RegionDescriptor>
{
    /// <summary>Regions begin and end on pages. Source: the guest's driver maps them.</summary>
    public const uint PageBytes = 4096;

    /// <summary>The longest name, in bytes. Source: vsoc_shm.h, VSOC_DEVICE_NAME_SZ less the closing NUL.</summary>
    public const int MaxNameBytes = 15;

    private const int NameAt = 40, NameBytes = 16;

    /// <inheritdoc/>
    public static int Size => 60;

    /// <summary>Length of the region in bytes.</summary>
    public uint LengthBytes => EndOffset - BeginOffset;

    /// <summary>A fault's reason in words, or null. Judges the descriptor alone; see <see cref="RegionLayout"/> for what concerns several.</summary>
    public string? Problem =>
        BeginOffset % PageBytes != 0 || EndOffset % PageBytes != 0 || BeginOffset >= EndOffset ? $"it lies at 0x{BeginOffset:x} to 0x{EndOffset:x}, which are not the begin and end of whole pages"
        : NameProblem(Name) is { } bad ? bad
        : DataOffset > LengthBytes ? $"its data begins at 0x{DataOffset:x}, beyond its {LengthBytes} bytes"
        : !GuestToHost.FitsBefore(DataOffset) ? "its guest-to-host signal table does not lie before its data"
        : !HostToGuest.FitsBefore(DataOffset) ? "its host-to-guest signal table does not lie before its data"
        : null;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out RegionDescriptor value)
    {
        value = default;
        if (source.Length < Size) return false;
        _ = SignalTable.TryRead(source[16..], out SignalTable guestToHost);
        _ = SignalTable.TryRead(source[28..], out SignalTable hostToGuest);
        ReadOnlySpan<byte> name = source.Slice(NameAt, NameBytes);
        int end = name.IndexOf((byte)0);
        value = new(BinaryPrimitives.ReadUInt16LittleEndian(source), BinaryPrimitives.ReadUInt16LittleEndian(source[2..]), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), BinaryPrimitives.ReadUInt32LittleEndian(source[12..]), guestToHost, hostToGuest,
            Encoding.Latin1.GetString(end < 0 ? name : name[..end]), BinaryPrimitives.ReadUInt32LittleEndian(source[56..]));   // without a NUL it is 16 long, which Check refuses
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(destination, CurrentVersion);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[2..], OldestVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], BeginOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], EndOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], DataOffset);
        GuestToHost.Write(destination[16..]);
        HostToGuest.Write(destination[28..]);
        destination.Slice(NameAt, NameBytes).Clear();
        _ = Encoding.Latin1.GetBytes((Name ?? "").AsSpan(0, Math.Min(Name?.Length ?? 0, NameBytes)), destination.Slice(NameAt, NameBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[56..], ManagedBy);
    }

    /// <inheritdoc/>
    public WireFault Check() => Problem is null ? WireFault.None : NameProblem(Name) is not null ? WireFault.BadText : WireFault.ValueOutOfRange;

    /// <summary>Why a text cannot name a region, or null. It becomes a file in the guest's /dev, where Linux would make a '/' of a '!', and a word in the clients' protocol.</summary>
    internal static string? NameProblem(string? name) =>
        string.IsNullOrEmpty(name) ? "its name is empty"
        : name.Length > MaxNameBytes ? $"its name has {name.Length} characters; {MaxNameBytes} is the most"
        : name.Any(letter => letter is <= ' ' or > '~' or '/' or '!') || name is "." or ".." ? "its name must be printable ASCII without blanks, '/' and '!', for it becomes a file in the guest's /dev"
        : null;
}
