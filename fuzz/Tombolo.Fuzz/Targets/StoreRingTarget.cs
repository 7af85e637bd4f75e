// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;
using Tombolo.TestPeers;

namespace Tombolo.Fuzz.Targets;

/// <summary>A store whose domain writes anything anywhere in its ring page and rings: others are served all the while, nothing beside the page is touched, and the domain may begin anew.</summary>
/// <remarks>An input is a list of doings: 0 puts a message: operation, length, payload; 1 writes one of the words behind the rings; 2 writes bytes anywhere; 3 rings; 4 takes all replies; 5 asks to begin anew.</remarks>
internal sealed class StoreRingTarget : IFuzzTarget
{
    private const int Page = 4096, RingBytes = 1024;
    private const byte Canary = 0xA5;
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private readonly SafeFd _memory = Memfd.Create("fuzz-ring", 3 * Page);
    private readonly Window _window;
    private readonly Doorbell _toServer = Doorbell.Create(), _toDomain = Doorbell.Create();
    private readonly ScriptedRingPage _page;
    private readonly StoreServer _server;
    private readonly StoreClient _polite;
    private int _runs;

    public StoreRingTarget()
    {
        _window = Window.Map(_memory);
        foreach (int beside in (int[])[0, 2 * Page]) _window.Own(beside, Page).Fill(Canary);
        _page = new(_memory, Page, () => _ = _toServer.Ring());
        string socket = Path.Combine(_folder, "s");
        _server = StoreServer.Start(new() { SocketPath = socket, Keys = [new("/local/domain/5/data", "", StorePermissions.Parse("n5"))], Quotas = new() { Nodes = 50, Watches = 8, Transactions = 3 } });
        _server.IntroduceAsync(new(5), new(_memory, Page, _toServer.Descriptor, _toDomain.Descriptor)).GetAwaiter().GetResult();
        _polite = StoreClient.ConnectAsync(socket).GetAwaiter().GetResult();
    }

    public string Name => "store-ring";

    public IReadOnlyList<byte[]> Words { get; } =
        [[3], [4], [5], [1, 0], [1, 1], [1, 2], [1, 3], [0, 11], [0, 2], [0, 4], [0, 6], .. ((string[])["data/x\0", "data\0t\0", "\0", "T\0"]).Select(Encoding.ASCII.GetBytes), [255, 255, 255, 255], [1, 4, 0, 0]];

    public IEnumerable<byte[]> Seeds() =>
    [
        [],
        [.. Put(11, "data/x\01"), 3, 4, .. Put(2, "data/x\0"), 3, 4],
        [.. Put(4, "data\0t\0"), .. Put(11, "data/x\01"), 3, 4, 5],
        [1, 1, 1, 4, 0, 0, 0, 0, 0, 0, 3],                             // more requests than the ring holds
        [1, 2, 255, 255, 255, 255, 0, 0, 0, 0, .. Put(2, "data\0"), 3],   // replies were taken that were not there
        [2, 0, 0, 16, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 1, 1, 16, 0, 0, 0, 0, 0, 0, 0, 3],   // a message of 64 KiB is announced
        [5, 3, 5, 3, .. Put(11, "data/x\02"), 3],
    ];

    public string Run(ReadOnlySpan<byte> input)
    {
        Play(input);
        _page.Ring();
        _polite.WriteAsync("/polite", $"{++_runs}").AsTask().GetAwaiter().GetResult();
        FuzzFinding.Require(_polite.ReadAsync("/polite").AsTask().GetAwaiter().GetResult() == $"{_runs}", "The polite client reads something else.");
        FuzzFinding.Require(_polite.ControlAsync("check").AsTask().GetAwaiter().GetResult().StartsWith("OK", StringComparison.Ordinal), "The counts are wrong.");
        uint error = _page[ScriptedRingPage.Error];
        string outcome = $"error {Math.Min(error, 9)}, {(_page[ScriptedRingPage.ReplyProducer] == _page[ScriptedRingPage.ReplyConsumer] ? "all" : "not all")} taken";
        ResetHomeAsync().GetAwaiter().GetResult();   // what it may have filled up, or given away
        _page.BeginAnew();
        string written = _page.Ask((uint)StoreOperation.Write, "data/x|anew");
        FuzzFinding.Require(written == "OK" && _page.Ask((uint)StoreOperation.Read, "data/x|") == "anew", $"The domain began anew, and is answered {written}.");
        foreach (int beside in (int[])[0, 2 * Page]) FuzzFinding.Require(!_window.Own(beside, Page).ContainsAnyExcept(Canary), "Memory beside the page was written.");
        FuzzFinding.Require(!_server.Completion.IsCompleted, "The server has ended.");
        return outcome;
    }

    public void Dispose()
    {
        _polite.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _page.Dispose();
        _window.Dispose();
        _memory.Dispose();
        _toServer.Dispose();
        _toDomain.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ResetHomeAsync()
    {
        _ = await _polite.RemoveAsync("/local/domain/5");
        await _polite.WriteAsync("/local/domain/5/data", "");
        await _polite.SetPermissionsAsync("/local/domain/5/data", StorePermissions.Parse("n5"));
    }

    private void Play(ReadOnlySpan<byte> input)
    {
        var script = new ByteScript(input);
        while (!script.IsAtEnd)
            switch (script.Byte())
            {
                case 0:
                    uint operation = script.Byte();
                    Write(ScriptedRingPage.Message(operation, Encoding.Latin1.GetString(script.Bytes(script.Byte()))));
                    break;
                case 1:
                    int word = ScriptedRingPage.RequestConsumer + (4 * (script.Byte() % 8));
                    _page[word] = (uint)script.Int64();
                    break;
                case 2:
                    int at = script.Byte() | ((script.Byte() & 15) << 8);
                    ReadOnlySpan<byte> bytes = script.Bytes(script.Byte());
                    bytes[..Math.Min(bytes.Length, Page - at)].CopyTo(_window.Own(Page + at, Page - at));
                    break;
                case 3:
                    _page.Ring();
                    break;
                case 4:
                    _page[ScriptedRingPage.ReplyConsumer] = _page[ScriptedRingPage.ReplyProducer];
                    _page.Ring();
                    break;
                case 5:
                    _page[ScriptedRingPage.State] = 1;
                    _page.Ring();
                    break;
            }
    }

    // Where the page says that the next request goes, whether there is room or not.
    private void Write(ReadOnlySpan<byte> bytes)
    {
        uint put = _page[ScriptedRingPage.RequestProducer];
        foreach (byte one in bytes) _window.Own(Page + (put++ % RingBytes), 1)[0] = one;
        _page[ScriptedRingPage.RequestProducer] = put;
    }

    private static byte[] Put(byte operation, string payload) => [0, operation, (byte)payload.Length, .. Encoding.Latin1.GetBytes(payload)];
}
