// SPDX-License-Identifier: MIT
using System.Text;
using System.Text.Unicode;

namespace Tombolo.Ivshmem;

/// <summary>What a packet between server and keeper asks or says.</summary>
internal enum KeeperOperation : byte
{
    /// <summary>Server: keep these descriptors under this name, in place of what was there.</summary>
    Store = (byte)'S',
    /// <summary>Server: forget this name.</summary>
    Remove = (byte)'R',
    /// <summary>Server: hand out everything; you go on keeping it.</summary>
    Take = (byte)'T',
    /// <summary>Server: an orderly stop; close everything and end.</summary>
    Quit = (byte)'Q',
    /// <summary>Keeper: these are the descriptors under this name.</summary>
    Entry = (byte)'F',
    /// <summary>Keeper: that was all.</summary>
    End = (byte)'E',
}

/// <summary>A packet on the keeper's socket: an operation and a name; descriptors travel beside it.</summary>
/// <remarks><code>0: operation, one byte | 1: name, UTF-8, to the packet's end, at most 63 bytes</code></remarks>
internal readonly record struct KeeperPacket(KeeperOperation Operation, string Name)
{
    public const int MaxBytes = 64;

    /// <summary>Reads a packet.</summary>
    /// <param name="source">Its bytes.</param>
    /// <param name="packet">The packet.</param>
    /// <returns>False where it is empty, too long, no text, or of an unknown operation.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out KeeperPacket packet)
    {
        packet = default;
        if (source.Length is 0 or > MaxBytes || !Utf8.IsValid(source[1..])) return false;   // what is no text would be longer written back
        packet = new((KeeperOperation)source[0], Encoding.UTF8.GetString(source[1..]));
        return packet.Operation is KeeperOperation.Store or KeeperOperation.Remove or KeeperOperation.Take or KeeperOperation.Quit or KeeperOperation.Entry or KeeperOperation.End;
    }

    /// <summary>Writes the packet.</summary>
    /// <param name="destination">At least <see cref="MaxBytes"/> bytes.</param>
    /// <returns>How many were written.</returns>
    public int Write(Span<byte> destination)
    {
        destination[0] = (byte)Operation;
        return 1 + Encoding.UTF8.GetBytes(Name, destination[1..]);
    }
}
