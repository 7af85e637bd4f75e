// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Channels;
using Tombolo.Ivshmem;
using Tombolo.Testing;

namespace Tombolo.Exercise.Tests;

/// <summary>The channel command between two parties of one fabric; between guests it is run by the system tests.</summary>
public sealed class ChannelCommandsTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private DoorbellServer _server = null!;

    public Task InitializeAsync()
    {
        _server = DoorbellServer.Start(new() { SocketPath = _folder["b"], SizeBytes = 1 << 18, Vectors = 2 });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Channel_BothSides_EveryKindPassesEveryMessage()
    {
        Task<(int Code, string Text)> spoke = Run("--side", "spoke", "--count", "500");
        (int code, string text) = await Run("--side", "hub", "--count", "500");
        (code, (await spoke).Code).ShouldBe((0, 0));
        foreach (string kind in (string[])["ring", "fanin", "broadcast", "request", "stream"])
        {
            text.ShouldContain($"{kind} over {_folder["b"]}: 500 messages");
            (await spoke).Text.ShouldContain($"{kind} over {_folder["b"]}: 500 messages");
        }
    }

    [Fact]
    public async Task Channel_AByteIsChangedOnTheWay_IsTold()
    {
        using (IvshmemClient liar = IvshmemClient.Connect(new() { SocketPath = _folder["b"] }))
        using (var party = new FabricParty(new IvshmemFabric(liar)))
        using (ChannelArea area = ChannelArea.Open(liar.Window, party))
        {
            _ = area.Create("exercise-ring", new() { CapacityBytes = 1 << 14 });
            using RingProducer producer = area.OpenProducer("exercise-ring");
            byte[] message = new byte[Pattern.MinBytes];
            new Pattern(PatternKind.OneWay, 0, 0, message.Length).Write(message);
            message[15] ^= 1;
            producer.TryWrite(message).ShouldBeTrue();
        }
        (await Should.ThrowAsync<ExerciseException>(() => Run("--side", "hub", "--kind", "ring", "--count", "2"))).Message.ShouldBe("Message 0 of 16 bytes was changed on its way.");
    }

    [Fact]
    public async Task Channel_EndIsHeld_WaitsForIt_AndSaysWhoHasIt()
    {
        using IvshmemClient holder = IvshmemClient.Connect(new() { SocketPath = _folder["b"] });
        using var party = new FabricParty(new IvshmemFabric(holder));
        using ChannelArea area = ChannelArea.Open(holder.Window, party);
        _ = area.Create("exercise-ring", new() { CapacityBytes = 1 << 14 });
        RingConsumer held = area.OpenConsumer("exercise-ring");
        (await Should.ThrowAsync<ChannelException>(() => Run("--side", "hub", "--kind", "ring", "--timeout", "0.2"))).Fault.ShouldBe(ChannelFault.EndTaken);
        Task<(int Code, string Text)> hub = Run("--side", "hub", "--kind", "ring", "--count", "5");
        held.Dispose();
        (await Run("--side", "spoke", "--kind", "ring", "--count", "5")).Code.ShouldBe(0);
        (await hub).Code.ShouldBe(0);
    }

    [Fact]
    public async Task Channel_NobodyThere_EndsWithASentence() =>
        (await Should.ThrowAsync<ExerciseException>(() => Run("--side", "hub", "--kind", "ring", "--timeout", "0.05"))).Message.ShouldBe("After 0.05 s message 0 did not come.");

    [Theory]
    [InlineData("--side third", "--side is 'third'")]
    [InlineData("--side hub --kind tube", "--kind is 'tube'")]
    [InlineData("--side hub --size 15", "--size is 15")]
    [InlineData("--side hub --size 20000", "must be 16 to 16368")]
    [InlineData("--side hub --count 0", "--count is 0")]
    [InlineData("--side hub --timeout 0", "--timeout is 0")]
    [InlineData("--side hub --death-after 1", "DeathAfter is")]
    [InlineData("--side hub --device 00:02.0", "choose one")]
    public async Task Channel_WrongUse_SaysWhatIsWrong(string words, string sentence) =>
        (await Should.ThrowAsync<ArgumentException>(() => Run(words.Split(' ')))).Message.ShouldContain(sentence);

    private Task<(int Code, string Text)> Run(params string[] words) => Task.Run(async () =>
    {
        using var output = new StringWriter();
        ParseResult parsed = new ExerciseCommands(output, (_, _, _, _) => throw new InvalidOperationException()).Create().Parse(["channel", .. words, "--socket", _folder["b"]]);
        parsed.Errors.ShouldBeEmpty();
        int code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return (code, output.ToString());
    }).Watched();
}
