// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Testing;

/// <summary>The keeper of a server that a test has killed: it holds everything until a successor comes, and after the test none does.</summary>
public static class LeftKeeper
{
    /// <summary>Kills the keeper that listens at a socket; nothing where there is none.</summary>
    public static void End(string socketPath)
    {
        try
        {
            using SafeFd keeper = UnixSocket.Connect(socketPath, UnixSocketKind.SequencedPacket);
            _ = LinuxProcess.TrySignal(UnixSocket.CredentialsOf(keeper).ProcessId, Signal.Kill);
        }
        catch (LinuxException) { }   // it ended with the server
    }
}
