// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>A declared mailbox: a doorbell fabric whose memory holds a slot for each participant.</summary>
public sealed record MailboxDeclaration
{
    /// <summary>Its name, unique in the fabric.</summary>
    public required string Name { get; init; }
    /// <summary>Where participants connect, as written: a file name in the state folder, or an absolute path.</summary>
    public required string Socket { get; init; }
    /// <summary>How many clients may be there at once, 1..254. Default 14.</summary>
    public int Clients { get; init; } = 14;
    /// <summary>Bytes of a slot, a multiple of 8, 136..1048576. Default 512.</summary>
    public int SlotBytes { get; init; } = 512;
    /// <summary>Bytes for channels behind the slots, a multiple of 4096, 64K..1G; 0: none. Default 0.</summary>
    public long ChannelBytes { get; init; }
    /// <summary>A leaving peer's number and doorbells are kept for the next newcomer, and nobody is told. Default true.</summary>
    public bool Recycle { get; init; } = true;
    /// <summary>The server is the fabric manager and hands out SIDs and CIDs. Default true.</summary>
    public bool Manager { get; init; } = true;
    /// <summary>The server takes no part itself. Default false.</summary>
    public bool Silent { get; init; }
    /// <summary>Vectors of a participant; a client needs one for each possible sender and two more. Default clients + 2.</summary>
    public int Vectors { get; init; } = 16;
    /// <summary>Permission bits of the socket file. Default 0600.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    /// <summary>Group of the socket file, a name or a number; null leaves it.</summary>
    public string? Group { get; init; }
    /// <summary>Who may join. The user that the fabric runs as always may.</summary>
    public AccessList Allow { get; init; } = AccessList.Empty;

    /// <summary>Where channels begin in the window: at the first page behind the slots.</summary>
    /// <param name="usedBytes">What the slots take.</param>
    public static long ChannelsAt(long usedBytes) => (usedBytes + PageBytes - 1) / PageBytes * PageBytes;

    private const int PageBytes = 4096;
}
