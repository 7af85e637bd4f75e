// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Xunit;

namespace Tombolo.Wire.Tests;

public sealed class ProtocolExceptionTests
{
    [Fact]
    public void ProtocolException_CarriesFaultAndSentence()
    {
        var exception = new ProtocolException(WireFault.OutOfOrder, "Client 3 sent its greeting twice.");
        exception.Fault.ShouldBe(WireFault.OutOfOrder);
        exception.Message.ShouldBe("Client 3 sent its greeting twice.");
        _ = exception.ShouldBeAssignableTo<TomboloException>();
    }

    [Fact]
    public void WireFault_DefaultIsNoFault() => default(WireFault).ShouldBe(WireFault.None);
}
