// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Fuzz.Targets;

/// <summary>A server that asks a keeper for what it keeps and gets anything: it has the descriptors, or one exception says why not and none is open.</summary>
internal sealed class KeeperAnswerTarget : IFuzzTarget
{
    private readonly HostileServer _keeper = new(UnixSocketKind.SequencedPacket);
    private readonly Gifts _gifts = new();

    public string Name => "keeper-answer";

    public IReadOnlyList<byte[]> Words { get; } = [[1, (byte)'E', 0], [9, (byte)'F', .. "ledger#0"u8, 1], [8, (byte)'F', .. "conn.1#"u8, 1]];

    public IEnumerable<byte[]> Seeds() =>
        [
            [],
            [1, (byte)'E', 0],
            [8, (byte)'F', .. "ledger#0"u8, 1, 0, (byte)'E', 0],
            [6, (byte)'F', .. "ledger"u8, 1, 0, (byte)'E', 0],
            [8, (byte)'F', .. "ledger#x"u8, 1, 8, (byte)'F', .. "ledger#1"u8, 1, 0, (byte)'E', 0],
        ];

    public string Run(ReadOnlySpan<byte> input)
    {
        byte[] bytes = input.ToArray();
        _keeper.Expect(socket => Play(socket, bytes));
        string outcome;
        using (KeeperLink link = KeeperLink.TryConnect(_keeper.SocketPath) ?? throw new FuzzFinding("The keeper cannot be connected to."))
            try
            {
                Dictionary<string, List<SafeFd>> all = link.TakeAll();
                foreach (SafeFd fd in all.Values.SelectMany(fds => fds)) fd.Dispose();
                outcome = $"{Math.Min(all.Count, 3)} names";
            }
            catch (IvshmemException exception) { outcome = string.Concat(exception.Message.TakeWhile(letter => letter != '\'').Where(letter => !char.IsDigit(letter))); }
        _gifts.CheckOpenFiles();
        return outcome;
    }

    public void Dispose()
    {
        _keeper.Dispose();
        _gifts.Dispose();
    }

    private void Play(SafeFd socket, ReadOnlySpan<byte> bytes)
    {
        var script = new ByteScript(bytes);
        while (!script.IsAtEnd)
        {
            ReadOnlySpan<byte> packet = script.Bytes(1 + (script.Byte() % 100));
            SafeFd[] gift = _gifts.Choose(script.Byte());
            if (!packet.IsEmpty) _ = UnixSocket.Send(socket, packet, gift);
        }
    }
}
