// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Tombolo.Linux;

namespace Tombolo.Daemon;

/// <summary>Lets in only the user that the daemon runs as, and root. The socket's mode says the same; this holds where a mode was changed or a descriptor was handed on.</summary>
internal static class SameUserOnly
{
    private const int LevelSocket = 1, OptionPeerCredentials = 17;   // asm-generic/socket.h; unix(7), struct ucred: pid, uid, gid

    /// <summary>Installs the check in front of HTTP.</summary>
    public static void Install(ListenOptions options, ILogger log) => options.Use(next => connection =>
    {
        Socket? socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        Span<byte> credentials = stackalloc byte[12];
        if (socket is null || socket.GetRawSocketOption(LevelSocket, OptionPeerCredentials, credentials) < credentials.Length) return Refuse(connection, log, -1, uint.MaxValue);
        int process = MemoryMarshal.Read<int>(credentials);
        uint user = MemoryMarshal.Read<uint>(credentials[4..]);
        return Allows(user, LinuxProcess.EffectiveUserId) ? next(connection) : Refuse(connection, log, process, user);
    });

    /// <summary>The rule.</summary>
    internal static bool Allows(uint user, uint own) => user == own || user == 0;

    private static Task Refuse(ConnectionContext connection, ILogger log, int process, uint user)
    {
        Log.RefusedAdmin(log, process, user);
        connection.Abort();
        return Task.CompletedTask;
    }
}
