// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Ivshmem;
using Tombolo.Testing;

namespace Tombolo.Exercise.Tests;

/// <summary>The commands on a bare window between host processes; between guests they are run by the system tests.</summary>
public sealed class WindowCommandsTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private DoorbellServer _server = null!;

    public Task InitializeAsync()
    {
        _server = DoorbellServer.Start(new() { SocketPath = _folder["b"], SizeBytes = 1 << 16, Vectors = 2 });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Swap_TwoSides_EveryRoundIsRight()
    {
        Task<(int Code, string Text)> second = Run("swap", "--side", "second", "--count", "300", "--size", "1001");
        (int code, string text) = await Run("swap", "--side", "first", "--count", "300", "--size", "1001", "--json");
        (code, (await second).Code).ShouldBe((0, 0));
        text.ShouldContain("\"rounds\": 300");
        (await second).Text.ShouldContain("300 rounds of 1001 bytes");
    }

    [Fact]
    public async Task Swap_AByteIsChangedOnTheWay_IsTold()
    {
        Task<(int Code, string Text)> first = Run("swap", "--side", "first", "--count", "2", "--size", "100", "--at", "0");
        using IvshmemClient liar = IvshmemClient.Connect(new() { SocketPath = _folder["b"] });
        int half = Swapping.HalfBytes(100);
        Watchdog.Until(() => liar.Window.View(0, half).ReadAcquire32(4) != 0, "the first side is there");
        var victim = new PeerId((ushort)(liar.Window.View(0, half).ReadAcquire32(4) - 1));
        liar.Window.View(half, half).WriteRelease32(4, liar.Id.Value + 1u);
        liar.Window.View(half, half).WriteRelease32(0, 1);   // round 1, with none of its bytes
        Watchdog.Until(() => liar.ProcessControl() && liar.Ring(victim, 0), "the first side can be rung");
        (await Should.ThrowAsync<ExerciseException>(() => first)).Message.ShouldBe("Round 1: byte 0 is 0, and should be 31.");
    }

    [Fact]
    public async Task Swap_NobodyThere_EndsWithASentence() =>
        (await Should.ThrowAsync<ExerciseException>(() => Run("swap", "--side", "first", "--timeout", "0.05"))).Message.ShouldBe("After 0.05 s there is nobody on the other side.");

    [Theory]
    [InlineData("--side third", "--side is 'third'")]
    [InlineData("--side first --size 0", "--size is 0")]
    [InlineData("--side first --at 1", "--at is 1; it must be a multiple of 64")]
    [InlineData("--side first --at 65536", "--at is 65536")]
    [InlineData("--side first --size 100000", "with room for twice")]
    [InlineData("--side first --timeout 0", "--timeout is 0")]
    [InlineData("--side first --device 00:02.0", "choose one")]
    public async Task Swap_WrongUse_SaysWhatIsWrong(string words, string sentence) =>
        (await Should.ThrowAsync<ArgumentException>(() => Run(["swap", .. words.Split(' ')]))).Message.ShouldContain(sentence);

    [Fact]
    public async Task Probe_HostsWindow_IsWriteBack() => (await Run("probe")).Text.ShouldContain("65536 bytes; behaves write-back");

    private Task<(int Code, string Text)> Run(params string[] words) => Task.Run(async () =>
    {
        using var output = new StringWriter();
        ParseResult parsed = new ExerciseCommands(output, (_, _, _, _) => throw new InvalidOperationException()).Create().Parse([.. words, "--socket", _folder["b"]]);
        parsed.Errors.ShouldBeEmpty();
        int code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return (code, output.ToString());
    }).Watched();
}
