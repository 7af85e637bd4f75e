// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>Settings of a <see cref="StoreClient"/>. Immutable.</summary>
public sealed record StoreClientOptions
{
    /// <summary>Linux's device of a Xen domain.</summary>
    public const string DevicePath = "/dev/xen/xenbus";

    private const string GuestFolder = "/dev", GuestPrefix = "tombolo_xenbus_";

    /// <summary>The server's socket; or a device: <see cref="DevicePath"/>, <see cref="GuestDevicePath"/>.</summary>
    public required string SocketPath { get; init; }
    /// <summary>How long to wait before trying to connect again; each failure doubles it, up to <see cref="LongestPause"/>. Default 20 ms.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(20);
    /// <summary>The longest pause between two tries. Default 2 s.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(2);
    /// <summary>Whether to connect again when the server goes away: watches are registered again, requests under way fail. Default true.</summary>
    public bool Reconnects { get; init; } = true;
    /// <summary>How often a transaction is done again after a conflict before it is given up. Default 1000.</summary>
    public int TransactionRetries { get; init; } = 1000;
    /// <summary>Where time comes from.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The device through which a QEMU guest reaches its host's store (tombolo_grant.ko); null where there is none, or several. One program at a time may have it open.</summary>
    public static string? GuestDevicePath => Directory.GetFiles(GuestFolder, GuestPrefix + "*") is [var only] ? only : null;

    /// <summary>
    /// Where the store is where nobody says otherwise: XENSTORED_PATH, XENSTORED_RUNDIR/socket, or /run/xenstored/socket, as the clients of xenstored have it; within a domain that has no such socket
    /// <see cref="DevicePath"/>, or <see cref="GuestDevicePath"/>.
    /// </summary>
    public static string DefaultSocketPath
    {
        get
        {
            if (Environment.GetEnvironmentVariable("XENSTORED_PATH") is { Length: > 0 } path) return path;
            string socket = Path.Combine(Environment.GetEnvironmentVariable("XENSTORED_RUNDIR") is { Length: > 0 } folder ? folder : "/run/xenstored", "socket");
            if (Path.Exists(socket)) return socket;
            return Path.Exists(DevicePath) ? DevicePath : GuestDevicePath ?? socket;
        }
    }
}
