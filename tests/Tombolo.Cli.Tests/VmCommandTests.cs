// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Tests;

public sealed class VmCommandTests
{
    [Fact]
    public async Task Stanza_OneSocket_PrintsQemuArguments() => (await CommandLine.RunAsync("vm stanza --socket /tmp/bell --vectors 4")).ShouldBe(new(ExitCode.Done, """
        -chardev socket,id=doorbell-tombolo,path=/tmp/bell \
        -device ivshmem-doorbell,id=doorbell-tombolo,vectors=4,chardev=doorbell-tombolo

        """, ""));

    [Fact]
    public async Task Xml_TwoSockets_PrintsAnElementForEach()
    {
        CommandLine ran = await CommandLine.RunAsync("vm xml --socket /tmp/a --socket /tmp/b");

        ran.ExitCode.ShouldBe(ExitCode.Done);
        ran.Out.ShouldContain("<server path=\"/tmp/a\" />");
        ran.Out.ShouldContain("<server path=\"/tmp/b\" />");
    }

    [Theory]
    [InlineData("vm xml --socket /tmp/a --vectors 0", "--vectors is 0; a device has 1 to 2048.")]
    public async Task Vm_WrongUse_EndsWithTwo(string line, string sentence)
    {
        CommandLine ran = await CommandLine.RunAsync(line);

        ran.ExitCode.ShouldBe(ExitCode.WrongUse);
        ran.Error.ShouldContain(sentence);
    }
}
