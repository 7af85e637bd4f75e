// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Fuzz.Targets;

/// <summary>A server at a UNIX socket against clients that send anything, read some of it, and hang up anywhere. Afterwards a polite client is served.</summary>
/// <remarks>
/// An input is a list of doings: a byte says what, the next one which of four clients. 0 connects (anew); 1 sends: a byte of length less one, so many bytes, a byte that chooses a descriptor;
/// 2 reads at most as many times as a byte says; 3 leaves; 4 sends more than any request has.
/// </remarks>
internal abstract class SocketServerTarget(string name, UnixSocketKind kind) : IFuzzTarget
{
    /// <summary>How many clients there are at once.</summary>
    protected const int Hostile = 4;
    private static readonly byte[] _flood = new byte[20_000];
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private readonly byte[] _buffer = new byte[64];
    private Gifts? _gifts;

    public string Name => name;

    public abstract IReadOnlyList<byte[]> Words { get; }

    /// <summary>The words of every such script.</summary>
    protected static IReadOnlyList<byte[]> Doings { get; } = [[0, 0], [0, 1], [1, 0], [2, 0, 3], [3, 0], [4, 0]];

    /// <summary>The server's socket.</summary>
    protected string Socket => PathOf("s");

    public abstract IEnumerable<byte[]> Seeds();

    public string Run(ReadOnlySpan<byte> input)
    {
        _gifts ??= new();   // after the server, whose descriptors are no loss
        var clients = new SafeFd?[Hostile];
        string doings;
        try { doings = Play(input, clients, _gifts); }
        finally
        {
            foreach (SafeFd? client in clients) client?.Dispose();
        }
        ServePolite();
        _gifts.CheckOpenFiles();
        return doings;
    }

    public void Dispose()
    {
        Stop();
        _gifts?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A path in the target's folder.</summary>
    protected string PathOf(string file) => Path.Combine(_folder, file);

    /// <summary>One client says these, and reads an answer after each.</summary>
    protected static byte[] Script(params ReadOnlySpan<byte[]> said)
    {
        List<byte> script = [0, 0];
        foreach (byte[] text in said) script.AddRange([1, 0, (byte)(text.Length - 1), .. text, 0, 2, 0, 3]);
        return [.. script];
    }

    /// <summary>Connects in order and checks everything that must hold.</summary>
    protected abstract void ServePolite();

    /// <summary>Ends the server.</summary>
    protected abstract void Stop();

    /// <summary>How long the server may take to answer what it was sent, for reading; none: who reads takes what is there.</summary>
    protected virtual TimeSpan AnswerTime(int reads) => TimeSpan.Zero;

    /// <summary>What came, in a word: of few values.</summary>
    protected virtual string Describe(ReadOnlySpan<byte> bytes, int descriptors) => "read";

    private string Play(ReadOnlySpan<byte> bytes, SafeFd?[] clients, Gifts gifts)
    {
        var script = new ByteScript(bytes);
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        using var inbox = new FdInbox();
        while (!script.IsAtEnd)
        {
            int action = script.Byte(), which = script.Byte() % Hostile;
            SafeFd? client = clients[which];
            if (action == 0)
            {
                client?.Dispose();
                clients[which] = UnixSocket.Connect(Socket, kind, TimeSpan.FromSeconds(20));
            }
            else if (client is not null && Do(action, client, ref script, inbox, gifts) is { } done)
            {
                _ = seen.Add(done);
                if (client.IsClosed) clients[which] = null;
            }
        }
        return $"{string.Join(',', seen.Take(6))}; {clients.Count(client => client is not null)} stay";
    }

    private string? Do(int action, SafeFd client, ref ByteScript script, FdInbox inbox, Gifts gifts)
    {
        switch (action)
        {
            case 1:
                ReadOnlySpan<byte> said = script.Bytes(1 + script.Byte());
                SafeFd[] gift = gifts.Choose(script.Byte());
                return said.IsEmpty ? null : $"send {UnixSocket.Send(client, said, gift).Errno} {gift.Length}";
            case 2:
                return Read(client, script.Byte(), inbox);
            case 3:
                client.Dispose();
                return "leave";
            case 4:
                return $"flood {UnixSocket.Send(client, _flood, gifts.Event).Errno}";
            default:
                return null;
        }
    }

    private string? Read(SafeFd client, int reads, FdInbox inbox)
    {
        if (AnswerTime(reads) is { Ticks: > 0 } time && !UnixSocket.Wait(client, forReading: true, time)) return null;
        string? last = null;
        for (; reads > 0 && UnixSocket.Receive(client, _buffer, inbox) is { IsMoved: true } came; reads--)
        {
            last = Describe(_buffer.AsSpan(0, came.Bytes), inbox.Count);
            inbox.Clear();
        }
        return last;
    }
}
