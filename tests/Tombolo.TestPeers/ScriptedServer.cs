// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>An ivshmem server that does what a test says: accept, then send what you like over the <see cref="ScriptedConnection"/>. Source: QEMU docs/specs/ivshmem-spec.</summary>
public sealed class ScriptedServer : IDisposable
{
    private readonly SafeFd _listener;
    private readonly string? _folder;

    private ScriptedServer(SafeFd listener, string path, string? folder) => (_listener, Path, _folder) = (listener, path, folder);

    /// <summary>Where clients connect.</summary>
    public string Path { get; }

    /// <summary>Listens on a path.</summary>
    public static ScriptedServer Listen(string path) => new(UnixSocket.Listen(path, UnixSocketKind.Stream), path, folder: null);

    /// <summary>Listens in a new folder under the system's temporary one.</summary>
    public static ScriptedServer Listen()
    {
        string folder = Directory.CreateTempSubdirectory("tombolo-scripted-").FullName, path = System.IO.Path.Combine(folder, "s");
        return new(UnixSocket.Listen(path, UnixSocketKind.Stream), path, folder);
    }

    /// <summary>Waits for a client; says nothing to it.</summary>
    public ScriptedConnection Accept()
    {
        while (true)
        {
            if (UnixSocket.TryAccept(_listener, out _) is { } socket) return new(socket);
            if (!Watchdog.Wait(_listener, EpollEvents.Readable, Watchdog.Limit)) throw new TimeoutException("No client connected.");
        }
    }

    /// <summary>Sends the start of a handshake: version, ID, memory.</summary>
    public static void SendStart(ScriptedConnection to, long id, SafeFd memory)
    {
        to.Send(0);
        to.Send(id);
        to.Send(-1, memory);
    }

    /// <summary>Sends one peer's batch: its ID once per vector, each with that vector's eventfd.</summary>
    public static void SendBatch(ScriptedConnection to, long id, IEnumerable<SafeFd> eventFds)
    {
        foreach (SafeFd fd in eventFds) to.Send(id, fd);
    }

    /// <summary>Makes as many eventfds as asked for, owned by the caller.</summary>
    public static SafeFd[] EventFds(int count) => [.. Enumerable.Range(0, count).Select(static _ => EventFd.Create())];

    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(Path);
        if (_folder is not null) Directory.Delete(_folder);
    }
}
